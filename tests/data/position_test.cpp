#include "adapters/data/import.hpp"
#include "store/checksum.hpp"
#include "store/wire.hpp"
#include "tests/data/support.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <random>
#include <rapidcheck/catch.h>
#include <tuple>

using namespace alpha;
using namespace alpha::test;

namespace {

const std::string kQuotes = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n";
const std::string kBars = "timestamp,instrument,open,high,low,close,volume\n";
const std::string kDates = "date,instrument,open,high,low,close,volume\n";

using Position = std::vector<std::uint8_t>;

Position position_of(const Feed& feed, std::size_t taken) {
    ByteBuffer bytes;
    feed.save_position(taken, bytes);
    return {bytes.view().begin(), bytes.view().end()};
}

/// Adds up to `most` records to `lines` and says where the feed stands behind them.
Position read_some(Feed& feed, std::size_t most, std::vector<std::string>& lines, std::string& error) {
    while (true) {
        const auto records = feed.next();
        if (!records) {
            error = records.error().message;
            return position_of(feed, 0);
        }
        const std::size_t taken = std::min(most, records->size());
        for (std::size_t i = 0; i < taken; ++i) {
            lines.push_back(text_of((*records)[i], feed.symbols()));
        }
        most -= taken;
        if (records->empty() || most == 0) {
            return position_of(feed, taken);
        }
    }
}

/// The position behind the first `most` records.
Position position_behind(const std::vector<DataSource>& sources, std::size_t most, const TimesOf& hours = {}) {
    const auto feed = open_feed(sources, hours);
    REQUIRE(feed.has_value());
    if (most == 0) {
        return position_of(**feed, 0);
    }
    std::vector<std::string> lines;
    std::string error;
    return read_some(**feed, most, lines, error);
}

/// What is read from there on; an error at opening is one too.
Reading read_on(const std::vector<DataSource>& sources, const Position& position, const TimesOf& hours = {}) {
    Reading reading;
    const auto feed = open_feed(sources, hours, position);
    if (!feed) {
        reading.error = feed.error().message;
        reading.kind = feed.error().kind;
        return reading;
    }
    constexpr std::size_t kAll = 1'000'000'000;
    static_cast<void>(read_some(**feed, kAll, reading.lines, reading.error));
    reading.symbols = (*feed)->symbols();
    return reading;
}

/// The names in the order of the records.
std::vector<std::string> names_in(std::span<const std::string> lines) {
    std::vector<std::string> names;
    for (const std::string& line : lines) {
        const std::size_t name = line.find(' ', line.find(' ') + 1) + 1;
        std::string text = line.substr(name, line.find(' ', name) - name);
        if (std::ranges::find(names, text) == names.end()) {
            names.push_back(std::move(text));
        }
    }
    return names;
}

std::string packed(int how, const std::string& text) {
    return how == 0 ? text : how == 1 ? gzip(text) : zstd(text);
}

// ---- files of any kind ------------------------------------------------------------------------------------------------

class AnyMarket {
public:
    explicit AnyMarket(std::uint64_t seed) : random_(seed) {}

    std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }

    /// Of the names that bars of source 1 have.
    std::string quotes_text(std::size_t rows, std::size_t names) {
        std::string text = kQuotes;
        std::int64_t minutes = 0;
        for (std::size_t i = 0; i < rows; ++i) {
            minutes += below(3) == 0 ? 1 : 0;  // most records share their time with others
            text += fmt::format("{},{}1x{},{},{},{},{}\n", kStart.ns + minutes * kMinute.ns, below(2) == 0 ? "N" : "Q",
                                below(names), 1 + below(90'000), below(9), 1 + below(90'000), below(9));
        }
        if (below(3) == 0) {
            text.pop_back();
        }
        return text + (below(4) == 0 ? "\n\n" : "");
    }

    /// Minute bars that last `minutes`, each name with gaps of its own, of which the first shows how long they last. Sources
    /// of other numbers have other names.
    std::string bars_text(std::size_t rows, std::size_t names, std::int64_t minutes, int number = 1) {
        std::string text = kBars;
        std::vector<std::int64_t> free(names, 0);
        for (std::int64_t now = 0; rows > 0; ++now) {
            for (std::size_t name = 0; name < names && rows > 0; ++name) {
                if (free[name] <= now && (now <= minutes || below(3) != 0)) {
                    free[name] = now + minutes;
                    text +=
                        fmt::format("{},N{}x{},{}", to_iso(Time{kStart.ns + now * kMinute.ns}), number, name, bar());
                    --rows;
                }
            }
        }
        return text;
    }

    std::string trades_text(std::size_t rows, std::size_t names) {
        std::string text = "instrument,ts_ns,volume,price,quantity\n";
        std::int64_t ts = kStart.ns;
        for (std::size_t volume = 0; rows > 0; --rows) {
            ts += static_cast<std::int64_t>(below(3)) * kSecondNs;
            const std::size_t quantity = below(50);
            volume += quantity;
            text += fmt::format("T{},{},{},{}.{},{}\n", below(names), ts, volume, 1 + below(900), below(10), quantity);
        }
        return text;
    }
    std::string dates_text(std::size_t rows, std::size_t names, int number = 1) {
        std::string text = kDates;
        for (std::int32_t day = kFirstDay.days; rows > 0; ++day) {
            for (std::size_t name = 0; name < names && rows > 0; ++name) {
                if (below(3) != 0) {
                    text += fmt::format("{},D{}x{},{}", to_iso(Date{day}), number, name, bar());
                    --rows;
                }
            }
        }
        return text;
    }

    DataSource source(const TempDir& dir, int number) {
        const std::size_t rows = below(4) == 0 ? below(6) : below(2'500);
        const std::size_t names = 1 + below(below(3) == 0 ? 90 : 4);
        DataSource made;
        switch (below(6)) {
        case 0:
        case 1: made = quotes(write(dir, number, quotes_text(below(8) == 0 ? 14'000 : rows, names))); break;
        case 2: {
            const auto minutes = static_cast<std::int64_t>(1 + below(4));
            const std::string text = may_repeat(bars_text(rows, names, minutes, number), minutes);
            made = bars(write(dir, number, text), Duration{repeated_minutes_ * kMinute.ns});
            break;
        }
        case 4: made = trades(write(dir, number, trades_text(rows, names))); break;
        case 3: made = bars(write(dir, number, may_repeat(dates_text(rows / 2, names, number), 0)), kDay); break;
        default:
            made.synth = SynthSpec{};
            made.synth->seed = below(99);
            made.synth->ticks = rows;
            made.synth->first_day = Date{kFirstDay.days + static_cast<std::int32_t>(below(3))};
        }
        if (below(3) != 0 || made.kind == DataKind::trades) {
            return made;
        }
        const std::string set = dir.path(fmt::format("set{}", number));
        REQUIRE(import_data(made, set, {}).has_value());
        return made.kind == DataKind::quotes ? quotes(set) : bars(set, made.interval);
    }

private:
    std::string bar() {
        const std::size_t price = 2 + below(900);
        return fmt::format("{},{},{},{},{}\n", price, price + below(3), price - below(2), price, below(50));
    }
    std::string write(const TempDir& dir, int number, const std::string& text) {
        return dir.write(fmt::format("file{}", number), packed(static_cast<int>(below(3)), text));
    }

    /// Sometimes the end, of minutes the beginning, of what an earlier source has; else `text`.
    std::string may_repeat(std::string text, std::int64_t minutes) {
        std::string& before = repeatable_[minutes == 0 ? 0 : 1];
        repeated_minutes_ = minutes;
        if (!before.empty() && below(2) == 0) {
            repeated_minutes_ = minutes == 0 ? 0 : minutes_before_;
            const std::size_t head = before.find('\n') + 1;
            const std::size_t cut = before.find('\n', head + below(before.size() - head + 1) - 1) + 1;
            return minutes == 0 ? before.substr(0, head) + before.substr(cut) : before.substr(0, cut);
        }
        before = text;
        minutes_before_ = minutes == 0 ? minutes_before_ : minutes;
        return text;
    }

    std::mt19937_64 random_;
    std::array<std::string, 2> repeatable_;  ///< of dates, of minutes
    std::int64_t minutes_before_ = 0;
    std::int64_t repeated_minutes_ = 0;
};

/// Sessions around the world, some of which touch the day before or the day after.
TradingHours world_hours(const std::string& name) {
    const std::int32_t zone = (name.empty() ? 0 : name.back() % 3 - 1) * 12 * 3'600;
    return {zone, 9 * 3'600, 17 * 3'600 + zone / 4};
}

}  // namespace

TEST_CASE("a feed that goes on from a position loses, repeats or changes records", "[data]") {
    rc::prop("cut anywhere, again and again", [] {
        AnyMarket market(*rc::gen::arbitrary<std::uint64_t>());
        const TempDir dir;
        std::vector<DataSource> sources;
        for (int n = *rc::gen::inRange(1, 5); n > 0; --n) {
            sources.push_back(market.source(dir, n));
        }
        const Reading whole = read_all(sources, world_hours);
        RC_ASSERT(whole.error.empty());
        std::vector<std::string> lines;
        std::string error;
        auto feed = open_feed(sources, world_hours);
        RC_ASSERT(feed.has_value());
        for (int cuts = *rc::gen::inRange(1, 7); cuts > 0; --cuts) {
            const std::size_t step = market.below(market.below(2) == 0 ? 4 : whole.lines.size() / 2 + 4);
            const Position position = step == 0 ? position_of(**feed, 0) : read_some(**feed, step, lines, error);
            RC_ASSERT(error.empty());
            RC_ASSERT(position.size() < 16'384U);
            feed = open_feed(sources, world_hours, position);
            RC_ASSERT((feed ? std::string() : feed.error().message).empty());
            RC_ASSERT((*feed)->symbols() == names_in(lines));
        }
        const Position end = read_some(**feed, whole.lines.size() + 1, lines, error);
        RC_ASSERT(error.empty());
        RC_ASSERT(lines == whole.lines);
        RC_ASSERT((*feed)->symbols() == whole.symbols);
        const Reading nothing = read_on(sources, end, world_hours);
        RC_ASSERT(nothing.error.empty());
        RC_ASSERT(nothing.lines.empty());
        RC_ASSERT(nothing.symbols == whole.symbols);
    });
}

TEST_CASE("every single record is a place to go on from, also across the blocks of a file", "[data]") {
    AnyMarket market(7);
    const TempDir dir;
    const std::vector<DataSource> sources{
        quotes(dir.write("q.csv", market.quotes_text(700, 3))),
        bars(dir.write("m.csv", market.bars_text(300, 5, 3)), Duration{3 * kMinute.ns}),
        bars(dir.write("d.csv", market.dates_text(60, 7)), kDay)};
    const Reading whole = read_all(sources, world_hours);
    for (std::size_t cut = 0; cut <= whole.lines.size(); ++cut) {
        const Reading rest = read_on(sources, position_behind(sources, cut, world_hours), world_hours);
        REQUIRE(rest.error.empty());
        REQUIRE(std::ranges::equal(rest.lines, std::span(whole.lines).subspan(cut)));
    }
}

TEST_CASE("a bar that two sources hold comes twice behind a position", "[data]") {
    AnyMarket market(15);
    const TempDir dir;
    const std::string text = market.bars_text(240, 7, 2);
    const std::string dates = market.dates_text(40, 5);
    const auto part = [](const std::string& of, std::size_t from, std::size_t to) {
        const std::size_t head = of.find('\n') + 1;
        const auto line = [&](std::size_t tenth) {
            return of.find('\n', head - 1 + (of.size() - head) * tenth / 10) + 1;
        };
        return of.substr(0, head) + of.substr(line(from), line(to) - line(from));
    };
    const Duration interval{2 * kMinute.ns};
    const std::string set = dir.path("set.alpha");
    REQUIRE(import_data(bars(dir.write("e.csv", part(text, 0, 9)), interval), set, {}).has_value());
    const std::vector<DataSource> sources{bars(dir.write("a.csv", part(text, 0, 6)), interval),
                                          bars(dir.write("b.csv", part(text, 3, 9)), interval),
                                          bars(set, interval),
                                          quotes(dir.write("q.csv", market.quotes_text(40, 3))),
                                          bars(dir.write("c.csv", part(dates, 0, 7)), kDay),
                                          bars(dir.write("d.csv", part(dates, 2, 9)), kDay)};
    const Reading whole = read_all(sources, world_hours);
    CHECK(whole.error.empty());
    CHECK(whole.lines ==
          read_all({sources[2], sources[3], bars(dir.write("f.csv", part(dates, 0, 9)), kDay)}, world_hours).lines);
    for (std::size_t cut = 0; cut <= whole.lines.size(); ++cut) {
        const Reading rest = read_on(sources, position_behind(sources, cut, world_hours), world_hours);
        REQUIRE(rest.error.empty());
        REQUIRE(std::ranges::equal(rest.lines, std::span(whole.lines).subspan(cut)));
    }
    // What disagrees with a bar that was handed out before the position names its place all the same.
    const auto two = [&](const char* close) {
        return kBars + "2000-01-01T00:01:00Z,A,1,9,1,5,1\n2000-01-01T00:01:00Z,B,1,9,1," + close + ",1\n";
    };
    const std::vector<DataSource> disagree{bars(dir.write("x.csv", two("5")), kMinute),
                                           bars(dir.write("y.csv", two("6")), kMinute)};
    for (const std::size_t behind : {1U, 2U}) {  // the open of a bar on which they agree; of the other
        const Reading rest = read_on(disagree, position_behind(disagree, behind));
        CHECK_THAT(rest.error, Catch::Contains("y.csv:3: the 1m bar of 'B' at 2000-01-01T00:01:00Z is at ") &&
                                   Catch::Contains("x.csv:3 already, with other values (close 5 there, 6 here)"));
    }
}

TEST_CASE("data changed before the position go unnoticed, or data behind it are held against the file", "[data]") {
    AnyMarket market(8);
    const TempDir dir;
    const int how = GENERATE(0, 1, 2);
    const bool is_bars = GENERATE(false, true);
    const std::string text = is_bars ? market.bars_text(1'500, 3, 2) : market.quotes_text(9'000, 3);
    const auto with_another_digit = [&](std::size_t before) {
        std::string other = text;
        const std::size_t digit = text.find_last_of("0123456789", before);  // of a size or volume
        other[digit] = text[digit] == '1' ? '2' : '1';
        return packed(how, other);
    };
    const std::string file = dir.write("data.csv", packed(how, text));
    const std::vector<DataSource> sources{is_bars ? bars(file, Duration{2 * kMinute.ns}) : quotes(file)};
    const Position position = position_behind(sources, is_bars ? 2'000 : 7'000);
    const Reading before = read_on(sources, position);
    REQUIRE(before.error.empty());
    for (const std::size_t at : {std::size_t{60}, std::size_t{9'000}, std::size_t{20'000}}) {
        dir.write("data.csv", with_another_digit(text.find('\n', at)));
        const auto changed = open_feed(sources, {}, position);
        REQUIRE_FALSE(changed.has_value());
        CHECK(changed.error().kind == ErrorKind::data);
        CHECK_THAT(changed.error().message,
                   Catch::Contains("data.csv: the data changed") && Catch::Contains("restore"));
    }
    dir.write("data.csv", with_another_digit(text.size()));
    const Reading after = read_on(sources, position);
    CHECK(after.error.empty());
    CHECK(after.lines.size() == before.lines.size());
    CHECK(after.lines != before.lines);
}

TEST_CASE("a file cut short before the position is taken for its end", "[data]") {
    AnyMarket market(9);
    const TempDir dir;
    const int how = GENERATE(0, 1, 2);
    const bool is_bars = GENERATE(false, true);
    const std::string text = is_bars ? market.bars_text(1'500, 3, 2) : market.quotes_text(9'000, 3);
    const std::string file = dir.write("data.csv", packed(how, text));
    const std::vector<DataSource> sources{is_bars ? bars(file, Duration{2 * kMinute.ns}) : quotes(file)};
    const Position position = position_behind(sources, 2'500);
    dir.write("data.csv", packed(how, text.substr(0, text.find('\n', text.size() / 6) + 1)));
    const Reading rest = read_on(sources, position);
    CHECK(rest.kind == ErrorKind::data);
    CHECK_THAT(rest.error, Catch::Contains("data.csv: the data changed"));
}

TEST_CASE("a position is used for other sources", "[data]") {
    AnyMarket market(10);
    const TempDir dir;
    const DataSource a = quotes(dir.write("a.csv", market.quotes_text(50, 2)));
    const DataSource b = quotes(dir.write("b.csv", market.quotes_text(50, 2)));
    DataSource synth;
    synth.synth = SynthSpec{};
    synth.max_gap = kLongestGap;
    const Position position = position_behind({a, b, synth}, 0);
    const auto refusal = [&](const std::vector<DataSource>& sources) {
        const Reading reading = read_on(sources, position);
        CHECK(reading.kind == ErrorKind::data);
        CHECK_THAT(reading.error, Catch::Contains("the data changed"));
        return reading.error;
    };
    CHECK_THAT(refusal({b, a, synth}), Catch::StartsWith("b.csv: ") && Catch::Contains("source 1") &&
                                           Catch::Contains("was 'a.csv' (quotes in CSV)"));
    CHECK_THAT(refusal({a, b}), Catch::StartsWith("synthetic data: ") && Catch::Contains("source 3 is missing"));
    CHECK_THAT(refusal({a, b, synth, a}), Catch::StartsWith("a.csv: ") && Catch::Contains("there was none"));
    const std::string set = dir.path("sub/a.csv");
    REQUIRE(import_data(a, set, {}).has_value());
    CHECK_THAT(refusal({quotes(set), b, synth}), Catch::Contains("source 1 is 'a.csv' (a data set of quotes)"));
    synth.synth->seed = 2;
    CHECK_THAT(refusal({a, b, synth}), Catch::StartsWith("synthetic data: "));
    synth.synth->seed = 1;
    std::filesystem::rename(a.file, dir.path("sub/b.csv"));
    std::filesystem::rename(dir.path("sub/b.csv"), set);
    CHECK(read_on({quotes(set), b, synth}, position).error.empty());  // moved to another folder
}

TEST_CASE("another data set passes for the one of the position", "[data]") {
    AnyMarket market(11);
    const TempDir dir;
    const std::string set = dir.path("set.alpha");
    std::string text = market.quotes_text(9'000, 3);
    REQUIRE(import_data(quotes(dir.write("q.csv", text)), set, {}).has_value());
    const Position position = position_behind({quotes(set)}, 5'000);
    const std::size_t digit = text.find_last_of("0123456789");
    text[digit] = text[digit] == '1' ? '2' : '1';
    std::filesystem::remove(set);
    REQUIRE(import_data(quotes(dir.write("q.csv", text)), set, {}).has_value());
    const Reading rest = read_on({quotes(set)}, position);
    CHECK(rest.kind == ErrorKind::data);
    CHECK_THAT(rest.error, Catch::Contains("set.alpha: the data changed"));
}

TEST_CASE("records that were added before the position leave after it", "[data]") {
    const TempDir dir;
    const auto quote = [](int minute) { return fmt::format("{},A,1,1,2,1\n", kStart.ns + minute * kMinute.ns); };
    const DataSource early = quotes(dir.write("early.csv", kQuotes + quote(1) + quote(2) + quote(3)));
    const DataSource late = quotes(dir.write("late.csv", kQuotes + quote(8)));
    const Position position = position_behind({early, late}, 2);
    dir.write("late.csv", kQuotes + quote(1) + quote(8));
    const Reading rest = read_on({early, late}, position);
    CHECK(rest.lines.empty());
    CHECK_THAT(rest.error, Catch::Contains("late.csv: the data changed"));

    const auto bar = [](int minute, const char* name) {
        return fmt::format("1970-01-01T00:{:02}:00Z,{},1,1,1,1,1\n", minute, name);
    };
    const std::string text = kBars + bar(1, "A") + bar(1, "B") + bar(2, "A");
    const DataSource bar_file = bars(dir.write("bars.csv", text), kMinute);
    const Position at_end = position_behind({bar_file}, 6);
    dir.write("bars.csv", text + bar(5, "B"));
    CHECK(read_on({bar_file}, at_end).lines.size() == 2);  // appended
    dir.write("bars.csv", text + bar(2, "B"));             // opens before A's last close, which was handed out
    CHECK_THAT(read_on({bar_file}, at_end).error, Catch::Contains("bars.csv: the data changed"));
}

TEST_CASE("a line that was mended behind the position is held against the file", "[data]") {
    AnyMarket market(12);
    const TempDir dir;
    const bool is_bars = GENERATE(false, true);
    const std::string text = is_bars ? market.bars_text(800, 3, 2) : market.quotes_text(800, 3);
    const std::size_t line = text.find('\n', text.size() / 2) + 1;
    const std::string file = dir.write("data.csv", text);
    const std::vector<DataSource> sources{is_bars ? bars(file, Duration{2 * kMinute.ns}) : quotes(file)};
    const Reading whole = read_all(sources);
    dir.write("data.csv", text.substr(0, line) + "rubbish\n" + text.substr(line));
    std::vector<std::string> lines;
    std::string error;
    const auto feed = open_feed(sources, {});
    REQUIRE(feed.has_value());
    // The closes that wait for a later bar are let go at an error; a session would stop before them.
    const Position position = read_some(**feed, is_bars ? 600 : 9'999, lines, error);
    CHECK(error.empty() == is_bars);
    dir.write("data.csv", text);
    const Reading rest = read_on(sources, position);
    CHECK(rest.error.empty());
    lines.insert(lines.end(), rest.lines.begin(), rest.lines.end());
    CHECK(lines == whole.lines);
}

TEST_CASE("rubbish in place of a position is followed", "[data]") {
    AnyMarket market(13);
    const TempDir dir;
    const std::string set = dir.path("set.alpha");
    const DataSource bar_file = bars(dir.write("b.csv", market.bars_text(900, 3, 1)), kMinute);
    REQUIRE(import_data(bar_file, set, {}).has_value());
    DataSource synth;
    synth.synth = SynthSpec{};
    synth.max_gap = kLongestGap;
    const std::vector<DataSource> sources{quotes(dir.write("q.csv", market.quotes_text(900, 3))), bar_file,
                                          bars(set, kMinute), synth};
    const Position good = position_behind(sources, 1'000);
    CHECK(read_on(sources, good).error.empty());
    for (std::size_t bytes = 0; bytes < good.size(); ++bytes) {
        const auto feed = open_feed(sources, {}, Bytes(good).first(bytes));
        REQUIRE_FALSE(feed.has_value());
        REQUIRE(feed.error().kind == ErrorKind::data);
        Position flipped = good;
        flipped[bytes] = static_cast<std::uint8_t>(flipped[bytes] ^ (1U << (bytes % 8)));
        REQUIRE_FALSE(open_feed(sources, {}, flipped).has_value());
    }
    // With a checksum that fits: whatever it says, it ends in a refusal or in records.
    std::size_t refused = 0;
    for (std::size_t i = 0; i < 4 * good.size(); ++i) {
        Position lie = good;
        const std::size_t at = i / 4;
        lie[at] = static_cast<std::uint8_t>(i % 4 == 0   ? 0xFF
                                            : i % 4 == 1 ? lie[at] + 1
                                            : i % 4 == 2 ? 0
                                                         : market.below(256));
        const std::size_t body = lie.size() - sizeof(std::uint32_t);
        store(lie.data() + body, crc32c(Bytes(lie).first(body)));
        const auto feed = open_feed(sources, {}, lie);
        refused += feed ? 0U : 1U;
        if (feed) {
            const auto records = (*feed)->next();
            CHECK((records.has_value() || !records.error().message.empty()));
        }
    }
    CHECK(refused > good.size());
}

TEST_CASE("positions in journals mean something else than when they were written", "[data]") {
    const TempDir dir;
    std::string quote_text = kQuotes;
    std::string bar_text = kBars;
    for (int i = 0; i < 40; ++i) {
        quote_text += fmt::format("{},Q{},{},1,{},2\n", kStart.ns + i * kMinute.ns, i % 3, 5 + i, 6 + i);
        bar_text += fmt::format("2000-01-01T00:{:02}:00Z,B,{},{},{},{},7\n", i, i + 1, i + 1, i + 1, i + 1);
    }
    DataSource synth;
    synth.synth = SynthSpec{};
    synth.synth->first_day = Date{kFirstDay.days + 1};
    const std::string set = dir.path("set.alpha");
    REQUIRE(import_data(quotes(dir.write("q.csv", quote_text)), set, {}).has_value());
    std::vector<DataSource> sources{quotes(dir.path("q.csv")), bars(dir.write("b.csv", bar_text), kMinute),
                                    quotes(set)};
    const Position plain = position_behind(sources, 100);
    // Of what version 1 of a position is: another hash here needs another version there.
    CHECK(plain.size() == 421);
    CHECK(to_hex(sha256(plain)) == "64bb1fff24a866b7d383b3fd6ad6cfa8aacb6c39fb82cdc54c9ee41712de1eb8");
    sources.push_back(synth);
    const Position position = position_behind(sources, 150);
    CHECK(position.size() == 723);
    // Version 3.
    CHECK(to_hex(sha256(position)) == "045fd1d3f0109702b52c8852e70cde582892b8f6fa68656340d0a3ac272ac479");
}

TEST_CASE("positions among bars that two sources hold mean something else than when they were written", "[data]") {
    const TempDir dir;
    const std::string text = kBars + "2000-01-01T00:00:00Z,A,1,4,1,2,7\n2000-01-01T00:00:00Z,B,2,4,1,2,7\n";
    const std::vector<DataSource> sources{bars(dir.write("a.csv", text), kMinute),
                                          bars(dir.write("b.csv", text), kMinute)};
    const Position position = position_behind(sources, 3);
    CHECK(position.size() == 345);
    // Of what version 2 of a position is: another hash here needs another version there.
    CHECK(to_hex(sha256(position)) == "f176aad3d57e57867107a924cf638e0e20c94761373ccaa7429c2d55b622427a");
}

TEST_CASE("bars of more instruments than are read at a time lose the closes that wait", "[data]") {
    AnyMarket market(14);
    const TempDir dir;
    const bool is_daily = GENERATE(false, true);
    const Duration interval = is_daily ? kDay : Duration{3 * kMinute.ns};
    const std::string text = is_daily ? market.dates_text(4'000, 900) : market.bars_text(4'000, 900, 3);
    const std::vector<DataSource> sources{bars(dir.write("b.csv", text), interval)};
    const Reading whole = read_all(sources, world_hours);
    for (std::size_t cut = 0; cut < whole.lines.size(); cut += 397) {
        const Reading rest = read_on(sources, position_behind(sources, cut, world_hours), world_hours);
        REQUIRE(rest.error.empty());
        REQUIRE(std::ranges::equal(rest.lines, std::span(whole.lines).subspan(cut)));
    }
}

TEST_CASE("bars that overlap only amid a file leave out of order, or are lost behind a position among them", "[data]") {
    const TempDir dir;
    // As rows are read 128 at a time: in the first bar, at either side of a batch's end, within one, and never.
    const std::int64_t turn = GENERATE(0, 1, 127, 128, 129, 200, 1'000);
    const bool is_set = GENERATE(false, true);
    struct Told {
        Time time;
        bool opens;
        std::size_t row;
        std::string line;
    };
    std::vector<Told> told;
    std::string text = kBars;
    std::size_t row = 0;
    const auto add = [&](std::int64_t minute, const char* name) {
        const Time label{kStart.ns + minute * kMinute.ns};
        const Time end = label + kMinute;
        const std::size_t price = 100 + row;
        text += fmt::format("{},{},{},{},{},{},{}\n", to_iso(label), name, price, price + 2, price - 2, price + 1, row);
        told.push_back({label, true, row, fmt::format("{} open {} {}", label.ns, name, price)});
        told.push_back(
            {end, false, row,
             fmt::format("{} close {} {} {} {} {} {}", end.ns, name, price, price + 2, price - 2, price + 1, row)});
        ++row;
    };
    for (std::int64_t minute = 0; minute < 300; ++minute) {
        add(minute, "A");
        if (minute >= turn && minute < turn + 60) {
            add(minute, "B");
        }
    }
    std::ranges::sort(told, [](const Told& a, const Told& b) {
        return std::tie(a.time, a.opens, a.row) < std::tie(b.time, b.opens, b.row);
    });
    std::vector<std::string> expected;
    std::ranges::transform(told, std::back_inserter(expected), &Told::line);

    DataSource source = bars(dir.write("b.csv", text), kMinute);
    if (is_set) {
        REQUIRE(import_data(source, dir.path("b.alpha"), {}).has_value());
        source = bars(dir.path("b.alpha"), kMinute);
    }
    const Reading whole = read_all({source});
    CHECK(whole.error.empty());
    REQUIRE(whole.lines == expected);
    const auto amid = 2 * static_cast<std::size_t>(std::min<std::int64_t>(turn, 300));
    for (std::size_t cut = 0; cut < expected.size(); cut += amid <= cut + 12 && cut <= amid + 12 ? 1 : 7) {
        const Reading rest = read_on({source}, position_behind({source}, cut));
        REQUIRE(rest.error.empty());
        REQUIRE(std::ranges::equal(rest.lines, std::span(expected).subspan(cut)));
    }
}
