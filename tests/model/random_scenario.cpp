#include "tests/model/random_scenario.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace alpha::model {
namespace {

constexpr Nanos kSecond = 1'000'000'000;
constexpr Nanos kMinute = 60 * kSecond;
constexpr Nanos kDay = 86'400 * kSecond;
constexpr int kFirstDay = 19'723;  // 2024-01-01

Nanos opens_on(int day, int instrument) {
    return day * kDay + 10 * 60 * kMinute + (instrument == 1 ? 2 * kMinute : 0);
}
Nanos closes_on(int day, int instrument) {
    return opens_on(day, instrument) + 10 * kMinute;
}

bool is_of_the_market(const Input& input) {
    return input.kind == Input::Kind::quote || input.kind == Input::Kind::trade ||
           input.kind == Input::Kind::bar_opened || input.kind == Input::Kind::bar_closed;
}

class Maker {
public:
    /// Trades came later: seeds that are no multiples of three are what they were before.
    explicit Maker(std::uint64_t seed) : dice_(seed * 0x9E37'79B9'7F4A'7C15ULL + 1), has_trades_(seed % 3 == 0) {
        for (int i = 0; i < 8; ++i) {
            dice_.next();
        }
    }

    Scenario make() {
        settings();
        const int instruments = chance(40) ? 2 : 1;
        const int days = 1 + static_cast<int>(dice_.below(3));
        for (int i = 0; i < instruments; ++i) {
            feed(i, days);
        }
        std::ranges::stable_sort(made_, {}, &Ranked::key);
        for (Ranked& ranked : made_) {
            scenario_.inputs.push_back(std::move(ranked.input));
        }
        timers(days);
        const auto busy = 8 + dice_.below(35);
        for (Input& input : scenario_.inputs) {
            if (input.kind == Input::Kind::timer || chance(busy)) {
                requests(input, instruments);
            }
        }
        return with_sessions(std::move(scenario_));
    }

private:
    struct Ranked {
        std::tuple<Nanos, std::uint64_t, std::uint64_t> key;
        Input input;
    };

    bool chance(std::uint64_t percent) { return dice_.below(100) < percent; }
    Units level() { return 100'000 + static_cast<Units>(dice_.below(levels_)) * scenario_.settings.tick; }

    void settings() {
        Settings& s = scenario_.settings;
        levels_ = 2 + dice_.below(9);
        s.next_open = chance(20);
        s.through = chance(25);
        s.use_size = chance(35);
        s.volume_share = std::vector<Units>{1'000, 1'000, 3'300, 10'000, 250}[dice_.below(5)];
        s.lot = chance(20) ? 300 : 100;
        s.latency = chance(35)
                        ? std::vector<Nanos>{500'000'000, kSecond, 20 * kSecond, kMinute, 90 * kSecond}[dice_.below(5)]
                        : 0;
        switch (dice_.below(6)) {
        case 0: s.slippage = 15; break;
        case 1: s.slippage_ticks = 1; break;
        case 2: s.slippage_percent = 2; break;
        default: break;
        }
    }

    void feed(int instrument, int days) {
        std::vector<Nanos> intervals;
        switch (dice_.below(8)) {
        case 0: break;
        case 1:
        case 2: intervals = {kMinute}; break;
        case 3: intervals = {3 * kMinute}; break;
        case 4: intervals = {kMinute, 5 * kMinute}; break;
        case 5: intervals = {2 * kMinute, 3 * kMinute}; break;
        case 6: intervals = {kMinute, 2 * kMinute, 6 * kMinute}; break;
        default: intervals = {kMinute, 3 * kMinute}; break;
        }
        const bool has_quotes = intervals.empty() || chance(45);
        for (int day = 0; day < days; ++day) {
            for (const Nanos interval : intervals) {
                const std::uint64_t share = 50 + dice_.below(60);
                for (Nanos label = opens_on(kFirstDay + day, instrument);
                     label < closes_on(kFirstDay + day, instrument); label += interval) {
                    if (chance(share)) {
                        bar(instrument, label, interval, closes_on(kFirstDay + day, instrument));
                    }
                }
            }
            for (int minute = 0; has_quotes && minute < 10; ++minute) {
                quotes_now_ = chance(25) ? !quotes_now_ : quotes_now_;
                for (auto n = quotes_now_ ? dice_.below(4) : 0; n > 0; --n) {
                    quote(instrument, opens_on(kFirstDay + day, instrument) + minute * kMinute +
                                          static_cast<Nanos>(dice_.below(6)) * 10 * kSecond);
                }
            }
            for (auto n = has_trades_ ? dice_.below(25) : 0; n > 0; --n) {
                trade(instrument,
                      opens_on(kFirstDay + day, instrument) + static_cast<Nanos>(dice_.below(60)) * 10 * kSecond);
            }
        }
    }
    /// At one time closes come first, then quotes and trades, then opens (adapters/data/feed.hpp).
    void add(const Input& input, std::uint64_t rank) { made_.push_back({{input.time, rank, dice_.next()}, input}); }
    void bar(int instrument, Nanos label, Nanos interval, Nanos session_ends) {
        Bar b{level(), 0, 0, level(), 0, label, interval};
        b.high = std::max({b.open, b.close, chance(60) ? level() : 0});
        b.low = std::min({b.open, b.close, chance(60) ? level() : b.open});
        b.volume = chance(10) ? 0 : static_cast<Units>(dice_.below(80)) * 100;
        Input input;
        input.kind = Input::Kind::bar_opened;
        input.instrument = instrument;
        input.time = label;
        input.bar = b;
        add(input, 2);
        input.kind = Input::Kind::bar_closed;
        input.time = std::min(label + interval, session_ends);
        add(input, 0);
    }
    void quote(int instrument, Nanos time) {
        Input input;
        input.kind = Input::Kind::quote;
        input.instrument = instrument;
        input.time = time;
        input.quote.bid = level();
        input.quote.ask =
            chance(5) ? level() : input.quote.bid + scenario_.settings.tick * static_cast<Units>(dice_.below(3));
        input.quote.bid_size = static_cast<Units>(dice_.below(9)) * 100;
        input.quote.ask_size = static_cast<Units>(dice_.below(9)) * 100;
        if (chance(5)) {
            (chance(50) ? input.quote.bid : input.quote.ask) = 0;
            input.quote.bid_size = input.quote.bid == 0 ? 0 : input.quote.bid_size;
            input.quote.ask_size = input.quote.ask == 0 ? 0 : input.quote.ask_size;
        }
        add(input, 1);
    }
    void trade(int instrument, Nanos time) {
        Input input;
        input.kind = Input::Kind::trade;
        input.instrument = instrument;
        input.time = time;
        input.trade = {level(), static_cast<Units>(dice_.below(9)) * 100};
        add(input, 1);
    }
    /// At instants of their own, in sessions, before, between and after them.
    void timers(int days) {
        std::set<Nanos> due;
        for (auto n = dice_.below(6); n > 0; --n) {
            due.insert((kFirstDay + static_cast<int>(dice_.below(static_cast<std::uint64_t>(days)))) * kDay +
                       598 * kMinute + static_cast<Nanos>(dice_.below(18)) * kMinute + 7 * kSecond);
        }
        for (const Nanos time : due) {
            const auto after = std::ranges::find_if(scenario_.inputs, [&](const Input& i) { return i.time > time; });
            if (after != scenario_.inputs.begin()) {
                Input input;
                input.kind = Input::Kind::timer;
                input.time = time;
                input.instrument = static_cast<int>(dice_.below(2));  // the strategy's
                scenario_.inputs.insert(after, input);
            }
        }
    }

    // ---- requests -------------------------------------------------------------------------------------------------------

    Units quantity() { return scenario_.settings.lot * static_cast<Units>(1 + dice_.below(8)); }
    Leg leg(bool may_be_ioc) {
        Leg made;
        made.side = chance(50) ? Side::buy : Side::sell;
        made.type = std::vector{
            Type::market, Type::limit, Type::limit, Type::stop, Type::stop, Type::stop_limit}[dice_.below(6)];
        made.tif = chance(30) ? Tif::day : Tif::gtc;
        if (may_be_ioc && chance(15)) {
            made.tif = Tif::ioc;
        }
        made.quantity = quantity();
        price(made);
        return made;
    }
    void price(Leg& leg) {
        leg.limit = leg.type == Type::limit || leg.type == Type::stop_limit ? level() : 0;
        leg.stop = leg.type == Type::stop || leg.type == Type::stop_limit ? level() : 0;
    }
    void requests(Input& input, int instruments) {
        for (auto n = 1 + dice_.below(3); n > 0; --n) {
            Request request;
            request.key = ++keys_;
            request.strategy = input.kind == Input::Kind::timer ? input.instrument : static_cast<int>(chance(25));
            request.instrument = chance(75) && input.kind != Input::Kind::timer
                                     ? input.instrument
                                     : static_cast<int>(dice_.below(static_cast<std::uint64_t>(instruments)));
            const auto what = dice_.below(100);
            if (what < 30 || placed_.empty()) {
                request.legs = {leg(true)};
                request.legs.front().reduce_only = chance(30);
            } else if (what < 52) {
                bracket(request);
            } else if (what < 65) {
                oco(request);
            } else {
                change(request, what < 77);
                if (input.kind == Input::Kind::timer && request.strategy != input.instrument) {
                    continue;  // the other strategy's
                }
            }
            if (!request.legs.empty()) {
                placed_.push_back(request);
            }
            input.requests.push_back(request);
        }
    }
    void bracket(Request& request) {
        request.kind = Request::Kind::bracket;
        Leg entry = leg(true);
        Leg stop = entry;
        stop.side = entry.side == Side::buy ? Side::sell : Side::buy;
        stop.tif = chance(10) ? Tif::day : Tif::gtc;
        stop.reduce_only = true;
        Leg target = stop;
        stop.type = chance(20) ? Type::stop_limit : Type::stop;
        target.type = Type::limit;
        price(stop);
        price(target);
        if (chance(85)) {  // as a trader would: the stop on the losing side
            const bool is_sell = stop.side == Side::sell;
            const Units lower = std::min(stop.stop, target.limit);
            const Units upper = std::max(stop.stop, target.limit);
            stop.stop = is_sell ? lower : upper;
            target.limit = is_sell ? upper : lower;
        }
        request.legs = {entry, stop, target};
        if (chance(15)) {
            request.legs.pop_back();
        } else if (chance(15)) {
            request.legs.push_back(target);
            request.legs.back().limit = level();
        }
        request.is_grouped = request.legs.size() > 2 && chance(85);
        for (std::size_t i = 1; i < request.legs.size(); ++i) {
            request.legs[i].quantity = chance(85) ? entry.quantity : quantity();
            if (chance(4)) {
                request.legs[i] = leg(true);
                request.legs[i].side = stop.side;
                request.legs[i].reduce_only = true;
            }
        }
    }
    void oco(Request& request) {
        request.kind = Request::Kind::oco;
        const bool reduce_only = chance(40);
        const Units same = quantity();
        const Side side = chance(50) ? Side::buy : Side::sell;
        for (auto n = 2 + dice_.below(2); n > 0; --n) {
            Leg made = leg(chance(20));
            made.quantity = chance(80) ? same : made.quantity;
            made.side = chance(80) ? side : made.side;
            made.reduce_only = reduce_only;
            request.legs.push_back(made);
        }
    }
    void change(Request& request, bool is_cancel) {
        const Request& target = placed_[placed_.size() - 1 - dice_.below(std::min<std::size_t>(placed_.size(), 5))];
        request.kind = is_cancel ? Request::Kind::cancel : Request::Kind::modify;
        request.strategy = target.strategy;
        request.instrument = target.instrument;
        request.target = target.key;
        request.target_leg = static_cast<int>(dice_.below(target.legs.size()));
        Leg leg = target.legs[static_cast<std::size_t>(request.target_leg)];
        if (chance(60)) {
            price(leg);
        }
        request.quantity = chance(50) ? leg.quantity : quantity();
        request.limit = leg.limit;
        request.stop = leg.stop;
    }

    test::Dice dice_;
    Scenario scenario_;
    std::vector<Ranked> made_;
    std::vector<Request> placed_;
    std::uint64_t levels_ = 0;
    bool has_trades_ = false;
    bool quotes_now_ = true;
    int keys_ = 0;
};

}  // namespace

Scenario random_scenario(std::uint64_t seed) {
    return Maker(seed).make();
}

Scenario with_sessions(Scenario scenario) {
    Scenario whole{scenario.settings, {}};
    std::map<int, int> open;  // by instrument: the day
    std::erase_if(scenario.inputs,
                  [](const Input& i) { return !is_of_the_market(i) && i.kind != Input::Kind::timer; });  // made anew
    while (!scenario.inputs.empty() && scenario.inputs.back().kind == Input::Kind::timer) {
        scenario.inputs.pop_back();  // nothing comes that would let it fire
    }
    const auto first = std::ranges::find_if(scenario.inputs, is_of_the_market);
    for (Input& input : scenario.inputs) {
        if (input.kind == Input::Kind::timer && first->time + 1'000'000 > input.time) {
            continue;  // it is set at the first input, for a millisecond from then at the earliest
        }
        std::vector<std::pair<Nanos, int>> ended;
        for (const auto& [instrument, day] : open) {
            const Nanos ends = closes_on(day, instrument);
            if (ends < input.time || (ends == input.time && input.kind != Input::Kind::bar_closed)) {
                ended.emplace_back(ends, instrument);
            }
        }
        std::ranges::sort(ended);
        for (const auto& [time, instrument] : ended) {
            Input closed;
            closed.kind = Input::Kind::session_closed;
            closed.time = time;
            closed.instrument = instrument;
            closed.date = open.at(instrument);
            open.erase(instrument);
            whole.inputs.push_back(closed);
        }
        if (input.kind != Input::Kind::timer && !open.contains(input.instrument)) {
            Input opened;
            opened.kind = Input::Kind::session_opened;
            opened.time = input.time;
            opened.instrument = input.instrument;
            opened.date = static_cast<int>(input.time / kDay);
            opened.session_ends = closes_on(opened.date, input.instrument);
            open[input.instrument] = opened.date;
            whole.inputs.push_back(opened);
        }
        whole.inputs.push_back(std::move(input));
    }
    return whole;
}

Scenario shrunk(Scenario scenario, const std::function<bool(const Scenario&)>& still_fails) {
    const auto accept = [&](Scenario smaller) {
        smaller = with_sessions(std::move(smaller));
        if (smaller.inputs.empty() || !still_fails(smaller)) {
            return false;
        }
        scenario = std::move(smaller);
        return true;
    };
    const auto is_bar = [](const Input& i) {
        return i.kind == Input::Kind::bar_opened || i.kind == Input::Kind::bar_closed;
    };
    for (bool again = true; again;) {
        again = false;
        for (std::size_t chunk = scenario.inputs.size() / 2 + 1; chunk > 0; chunk /= 2) {
            for (std::size_t from = 0; from < scenario.inputs.size();) {
                Scenario smaller{scenario.settings, {}};
                const auto is_cut = [&](std::size_t i) { return i >= from && i < from + chunk; };
                for (std::size_t i = 0; i < scenario.inputs.size(); ++i) {
                    const Input& input = scenario.inputs[i];
                    bool cut = is_cut(i);
                    for (std::size_t k = 0; is_bar(input) && k < scenario.inputs.size(); ++k) {  // a bar goes whole
                        const Input& other = scenario.inputs[k];
                        cut = cut || (is_cut(k) && is_bar(other) && other.instrument == input.instrument &&
                                      other.bar.label == input.bar.label && other.bar.interval == input.bar.interval);
                    }
                    if (!cut) {
                        smaller.inputs.push_back(input);
                    }
                }
                const std::size_t before = scenario.inputs.size();
                if (smaller.inputs.size() < before && accept(smaller) && scenario.inputs.size() < before) {
                    again = true;
                } else {
                    from += chunk;
                }
            }
        }
        for (std::size_t i = 0; i < scenario.inputs.size(); ++i) {
            for (std::size_t r = 0; i < scenario.inputs.size() && r < scenario.inputs[i].requests.size();) {
                Scenario smaller = scenario;
                smaller.inputs[i].requests.erase(smaller.inputs[i].requests.begin() + static_cast<std::ptrdiff_t>(r));
                if (accept(smaller)) {
                    again = true;
                } else {
                    ++r;
                }
            }
        }
        const auto simpler = [&](auto change) {
            Scenario smaller = scenario;
            change(smaller.settings);
            accept(smaller);
        };
        simpler([](Settings& s) { s.latency = 0; });
        simpler([](Settings& s) { s.slippage = s.slippage_ticks = s.slippage_percent = 0; });
        simpler([](Settings& s) { s.use_size = false; });
        simpler([](Settings& s) { s.through = false; });
        simpler([](Settings& s) { s.next_open = false; });
    }
    return scenario;
}

}  // namespace alpha::model
