#!/usr/bin/env python3
"""Walks the model of the order protocol at random and has the project's own fold take the same words, one at a time.

usage: compare.py PROTOCOL_STEPS MODEL.py [--walks N] [--seed S] [--show]

After each word both say what they hold of every order; at the first difference a walk ends, and where it is not one of KNOWN
the test fails. That it can see one is shown
with the model's own list of mistakes that were mended in it: with each of them made again, the two must differ. --show prints the shortest
walk to each difference. What freezes, and what is written down as a difference, is not compared: that is the kernel's. Exits with 77, which
is to be skipped, where there is no model.
"""
import argparse
import importlib.util
import random
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

ENDS = {"": "none", "nosend": "not_sent", "rejected": "refused", "doubt": "doubted", "resolved": "resolved", "evidence": "by_evidence",
        "closed": "closed", "filled": "filled", "cancelled": "cancelled", "rejected_book": "rejected", "expired": "expired"}
NOT_OF_THE_FOLD = {"epoch", "resee"}  # what the outbox and the gateway do: tests/live has them
ORDERS = 2
# How likely a step is beside another: orders are to get somewhere before something ends them.
LIKELY = {"intend": 6, "commit": 8, "SendStarted": 8, "first byte": 12, "broker accepts": 10, "answer acked": 6, "read": 4, "resolve": 6,
          "final read": 0.2, "overdue": 0.2, "day over": 0.5, "strategy": 4, "broker drops": 4, "answer refused": 6, "kill": 4}

# What the project's own fold does otherwise, on purpose: word, what was held, what is held here, what the model holds, and why.
KNOWN = (
    (r"row .*", r"live/.*/wanted", r"live/.*/wanted", r"live/.*/none", "a change that has not begun is not answered by what somebody else changes"),
    (r"modify", r"live/.*/none/none", r"live/.*/none/none", r"live/.*/none/wanted", "an order whose day is over is not changed"),
    (r"row .*", r"(unknown|stale)/.*", r"(unknown|stale)/.*", r"(live|ended)/.*", "a person who names an order on other terms is not believed"),
    (r"row .*", r"(doubtful|unknown|stale|ended)/.*", r"(live|stray)/none/(\d)/wanted/none", r"\1/none/\2/none/none",
     "who is in conflict is latched after its row was judged, so a cancel is wanted that nobody sends: its row says that it is over"),
    (r"resolve closed", r"(live|stray)/.*", r"(live|stray)/.*", r"ended/closed/.*", "a person closes what is missing at the broker, or lacks trades, alone"),
    (r"sendend place acked", r"doubtful/.*", r"live/.*", r"doubtful/.*", "a late answer that names the order settles a doubt"),
    (r"sendend place acked", r"live/(.*)/none/none", r"live/(.*)/none/none", r"live/\1/wanted/none", "a late answer that names the second order is no news"),
    (r"read", r"stray/none/(.*)/refused/none", r"stray/none/(.*)/wanted/none", r"stray/none/\1/none/none",
     "what is alive though it was over here is cancelled until it is gone"),
    (r"row (done|open|cxl)", r"ended/filled/.*", r"stray/none/(.)/.*", r"ended/filled/\1", "trades of a second order are no fills of the first, of which some are missing"),
    (r"session restarted", r"live/.*/wanted", r"live/.*/none", r"live/.*/wanted", "a change that was decided before a restart is not sent after it"),
)


def load(path):
    spec = importlib.util.spec_from_file_location("protocol_model", path)
    model = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(model)
    return model


def walk_of(model, rng):
    """The words of one walk, as the log has them in the end."""
    orders, durable = rng.choice((1, 1, 2)), []
    model.P.lie_refused = True
    model.P.kinds = tuple(rng.sample(model.FAULTS + ("lierefused",), rng.randint(1, 6)))
    world = model.initial(orders)
    for _ in range(rng.randint(5, 100)):
        try:
            choices = list(model.steps(world, orders, 5))
        except model.Bad:  # its outbox lets a place go that waited while a conflict latched; runtime/sends.hpp withdraws it
            break
        if not choices:
            break
        weights = [next((weight for begin, weight in LIKELY.items() if name.startswith(begin)), 2) for name, _ in choices]
        name, after = rng.choices(choices, weights)[0]
        if name == "commit":
            durable += world.pend
        elif name.startswith("crash keeping"):
            durable += world.pend[: int(name.split()[2])]
        world = after
    words = durable + list(world.pend)
    for k in range(orders):  # what the model's world does in its last moments alone, or never
        mine = [j for j, order in enumerate(world.b) if order.tag == k]
        if ("sendstart", k, "place") in [word[:3] for word in words] and mine and rng.random() < 0.5:
            words.append(("sendend", k, "place", "acked", mine[0]))
        elif world.e.os[k].st in ("live", "stray") and rng.random() < 0.5:
            words.append(("resolve", k, "closed"))
    return words


def line_of(word):
    """As protocol_steps reads it."""
    kind, rest = word[0], word[1:]
    if kind == "trade":
        return "trade %d %d %d" % rest[0]
    if kind == "row":
        order, tag, _, quantity, status, filled = rest
        return "row %d %d %d %s %d" % (order, tag, quantity, status, filled)
    if kind == "read":
        return "read %d %d %d" % rest
    if kind == "sendstart":
        return "start %d %s %d" % rest
    if kind == "sendend":
        return "end %d %s %s %d" % rest
    if kind == "resolve":
        return "resolve %d %s %d" % (rest + (-1,))[:3]
    return " ".join(str(each) for each in word)


def plain(said):
    """Of an order that is over nobody asks any more what became of its cancel or change."""
    parts = said.split("/")
    return "/".join(parts[:3] if parts[0] == "ended" else parts)


def said_by(state):
    said = []
    for order in state.os:
        own = sum(trade[0] == order.bid for trade in order.booked)
        end = ENDS[order.why if order.st == "ended" else ""]
        said.append("-" if order.st == "-" else plain("/".join([order.st, end, str(own), order.cxl, order.mod])))
    return said


def reason_for(what, before, ours, theirs):
    """Why the two may differ so; None: they may not."""
    for word, held, here, there, why in KNOWN:
        if re.fullmatch(word, what) and re.fullmatch(held, before) and re.fullmatch(f"{here} {there}", f"{ours} {theirs}"):
            return why
    return None


def differences(model, walks, answers):
    """Kind -> how often a walk first differs so, kind -> the shortest such walk, how often it differs as it may, and how many words were compared."""
    found, shortest, known, words = Counter(), {}, Counter(), 0
    for walk, said in zip(walks, answers):
        state = model.initial(ORDERS).e
        for number, (word, ours) in enumerate(zip(walk, said)):
            before, state = said_by(state), model.fold(state, word)
            words += 1
            theirs = said_by(state)
            if theirs == ours:
                continue
            k = next(k for k, each in enumerate(theirs) if each != ours[k])
            what = " ".join(str(each) for each in word[:1] + tuple(each for each in word[1:] if isinstance(each, str)))
            why = reason_for(what, before[k], ours[k], theirs[k])
            if why:
                known[why] += 1
                break
            kind = f"{what}: {before[k]} becomes {ours[k]} here, {theirs[k]} in the model"
            found[kind] += 1
            if kind not in shortest or number + 1 < len(shortest[kind]):
                shortest[kind] = walk[: number + 1]
            break
    return found, shortest, known, words


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("steps")
    parser.add_argument("model")
    parser.add_argument("--walks", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--show", action="store_true")
    arguments = parser.parse_args()
    if not Path(arguments.model).is_file():
        print(f"SKIPPED: the model is not here ({arguments.model}), so nothing compares the order protocol with it")
        sys.exit(77)
    model = load(arguments.model)
    model.P.need = model.P.K + model.P.V + 1
    rng = random.Random(arguments.seed)
    walks = [walk_of(model, rng) for _ in range(arguments.walks)]
    lines = "".join("walk\n" + "".join(line_of(word) + "\n" for word in walk) for walk in walks)
    run = subprocess.run([arguments.steps], input=lines, capture_output=True, text=True, check=True)
    told = iter(run.stdout.splitlines())
    answers = [[[plain(each) for each in next(told).split()] for _ in walk] for walk in walks]

    found, shortest, known, words = differences(model, walks, answers)
    print(f"{len(walks)} walks, {words} words, {sum(found.values())} walks differ, in {len(found)} kinds")
    for why, count in known.most_common():
        print(f"{count:6} as known: {why}")
    for kind, count in found.most_common():
        print(f"{count:6} {kind}")
        if arguments.show:
            print("".join(f"         {line_of(word)}\n" for word in shortest[kind]), end="")
    unseen = []
    for fix in sorted(model.P.fixes - NOT_OF_THE_FOLD):
        model.P.fixes.discard(fix)
        try:
            seen = sum(differences(model, walks, answers)[0].values())
        except (AssertionError, IndexError, KeyError, ValueError):  # what it leads to makes no sense to the rest of the model
            seen = 1
        model.P.fixes.add(fix)
        if seen == 0:
            unseen.append(fix)
        elif arguments.show:
            print(f"without '{fix}': {seen} walks differ")
    if unseen:
        print(f"no walk shows that these were mended: {', '.join(unseen)}")
    sys.exit(1 if found or unseen else 0)


if __name__ == "__main__":
    main()
