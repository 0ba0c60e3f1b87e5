#include "store/journal.hpp"

#include "cli/command.hpp"
#include "store/chain.hpp"
#include "views/json.hpp"

#include <fmt/format.h>
#include <memory>
#include <string>

namespace alpha {
namespace {

struct ForgetRequest {
    std::string journal;
    std::string before;
};

std::string forgotten_json(const ForgetRequest& request, const Forgotten& forgotten) {
    JsonObject object;
    object.text("journal", request.journal)
        .text("before", request.before)
        .count("before_seq", forgotten.before)
        .count("pieces", forgotten.pieces)
        .count("bytes", forgotten.bytes)
        .count("pieces_left", forgotten.pieces_left);
    return object.done() + '\n';
}

Result<int> forget(const ForgetRequest& request, Wiring& wiring) {
    if (const Result<Date> day = date_option("--before", request.before); !day) {
        return tl::unexpected(day.error());
    }
    const Result<Time> before =
        wiring.zone.read("--before", request.before + "T00:00:00" + (wiring.zone.is_named() ? "" : "Z"));
    if (!before) {
        return tl::unexpected(before.error());
    }
    const Result<Forgotten> forgotten = forget_evidence(request.journal, *before);
    if (!forgotten) {
        return tl::unexpected(forgotten.error());
    }
    if (wiring.json) {
        wiring.out.write(forgotten_json(request, *forgotten));
        return kExitOk;
    }
    wiring.out.write(fmt::format("{}: {} of evidence forgotten, {}, of the events before {} (event {}); {} left\n",
                                 request.journal, counted(forgotten->pieces, "piece"),
                                 show_bytes(static_cast<double>(forgotten->bytes)), request.before,
                                 show_count(forgotten->before), counted(forgotten->pieces_left, "piece")));
    return kExitOk;
}

}  // namespace

void add_journal(Commands& commands) {
    const Command group = commands.add_group(commands.program(), "journal", "Look after a journal",
                                             "Example:\n"
                                             "  alpha journal forget-evidence runs/live --before 2026-01-27");
    auto request = std::make_shared<ForgetRequest>();
    const Command command = commands.add(
        group, "forget-evidence", "Remove the raw bytes behind what a broker outside said",
        "Example:\n"
        "  alpha journal forget-evidence runs/live --before 2026-01-27\n\n"
        "The events themselves stay, and with them the hashes of what is forgotten: the journal verifies as before. A\n"
        "journal that a session is writing is refused.",
        [request](Wiring& wiring) {
            return read_isolated(wiring, "the journal " + request->journal, [&] { return forget(*request, wiring); });
        });
    journal_option(command, request->journal).required();
    commands.prints_times(command, ". The day begins by its clocks");
    command.option("--before", request->before, "Of the events before this day").required();
}

}  // namespace alpha
