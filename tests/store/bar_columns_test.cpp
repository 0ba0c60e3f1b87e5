#include "store/bar_columns.hpp"
#include "store/checksum.hpp"
#include "store/columns.hpp"
#include "store/data_set.hpp"
#include "store/frame.hpp"
#include "store/journal.hpp"
#include "tests/store/frames.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <limits>

using namespace alpha;
using namespace alpha::store_test;

namespace {

constexpr Duration kMinute{60 * kSecondNs};
constexpr Duration kDay{kDayNs};

/// Any value a field can hold, the awkward ones often.
std::uint64_t any_value(std::mt19937_64& random) {
    const std::uint64_t dice = random();
    switch (dice % 8) {
    case 0: return 0;
    case 1: return std::uint64_t{1} << 63U;
    case 2: return (std::uint64_t{1} << 63U) - 1;
    case 3: return dice >> 3U & 1U ? ~std::uint64_t{0} : 1;
    case 4: return (dice >> 40U) * 1'000'000;
    case 5: return 0 - (dice >> 50U);
    case 6: return random() >> (dice >> 58U);
    default: return dice >> 56U;
    }
}

Envelope root(const Frame& frame, Time time) {
    return {frame.next_seq(), time, kNoSeq, kNoSeq};
}

void append_stored(Frame& frame, Time label, const BarClosed& bar) {
    frame.note_leaf(frame.next_seq());
    encode_stored_bar(frame.bytes, label, bar);
    ++frame.events;
}

/// Gives the last event, of `bytes` bytes, another version.
void set_version(Frame& frame, std::size_t bytes, std::uint8_t version) {
    frame.bytes.data()[frame.bytes.size() - bytes + 6] = version;
}

/// A market that moves as markets do: prices in ticks, most moves small, volumes uneven.
class Market {
public:
    explicit Market(std::uint64_t seed) : random_(random_from(seed)) {}

    BarClosed bar(InstrumentId instrument, Time label, Duration interval, unsigned moves, std::int64_t volume) {
        const std::int64_t open = price_ + move(3);
        const std::int64_t close = open + move(moves);
        const std::int64_t high = std::max(open, close) + std::abs(move(moves / 2));
        const std::int64_t low = std::min(open, close) - std::abs(move(moves / 2));
        price_ = std::max<std::int64_t>(close, 20'000);
        const auto dice = [&] { return static_cast<std::int64_t>(random_() % 64); };
        const std::int64_t traded = dice() * dice() * dice() * volume / 65'536;
        return {instrument, tick(open), tick(high), tick(low), tick(close), qty_of(traded + 1), label, interval};
    }

private:
    /// Mostly small, now and then several times as large.
    std::int64_t move(unsigned size) {
        const auto dice = [&] { return static_cast<std::int64_t>(random_() % (2 * size + 1)) - size; };
        return (dice() + dice()) * (random_() % 50 == 0 ? 4 : 1) / 2;
    }
    static Price tick(std::int64_t ticks) { return Price{ticks * 5'000'000}; }  // of 0.05

    std::mt19937_64 random_;
    std::int64_t price_ = 30'000;
};

/// Where a bar begins: minutes of sessions of 375, or days without weekends.
Time minute(std::int64_t k) {
    return Time{17'898 * kDayNs + 13'500 * kSecondNs + k / 375 * kDayNs + k % 375 * kMinute.ns};
}
Time day(std::int64_t k) {
    return Time{(12'006 + k / 5 * 7 + k % 5) * kDayNs};
}

/// Bars as a session takes them: each opens, then closes, a day's within its trading session.
void append_as_session(Frame& frame, const BarClosed& bar) {
    // Around the end of the range, as the columns compute: no value of a frame is too strange for them.
    const std::int64_t lasts_ns = bar.interval == kDay ? 22'500 * kSecondNs : bar.interval.ns;
    const Time closed{
        static_cast<std::int64_t>(static_cast<std::uint64_t>(bar.label.ns) + static_cast<std::uint64_t>(lasts_ns))};
    const Date date = TradingHours{}.date_of(bar.label);
    if (bar.interval == kDay) {
        append(frame, root(frame, bar.label), TradingSessionOpened{bar.instrument, date});
    }
    append(frame, root(frame, bar.label), BarOpened{bar.instrument, bar.open, bar.label, bar.interval});
    append(frame, root(frame, closed), bar);
    if (bar.interval == kDay) {
        append(frame, root(frame, closed), TradingSessionClosed{bar.instrument, date});
    }
}

struct Series {
    const char* name;
    Duration interval;
    Time (*label)(std::int64_t);
    unsigned moves;
    std::int64_t volume;
    double most_bytes;  ///< a bar
};
const std::vector<Series>& all_series() {
    static const std::vector<Series> series{{"minutes", kMinute, minute, 40, 20'000, 8.0},
                                            {"days", kDay, day, 600, 9'000'000, 12.0}};
    return series;
}

constexpr std::int64_t kBars = 20'000;

std::string to_hex(const std::vector<std::uint8_t>& bytes) {
    std::string hex;
    for (const std::uint8_t byte : bytes) {
        constexpr const char* kDigits = "0123456789abcdef";
        hex += kDigits[byte / 16];
        hex += kDigits[byte % 16];
    }
    return hex;
}
std::vector<std::uint8_t> from_hex(const std::string& hex) {
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        bytes.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
    }
    return bytes;
}

/// Every kind of bar, something else between them, and values of every size.
Frame small_frame() {
    Frame frame;
    frame.begin(41);
    const BarClosed bar{InstrumentId{3}, Price{500}, Price{900}, Price{100},
                        Price{700},      Qty{12},    Time{60},   Duration{60}};
    append_stored(frame, Time{0}, bar);
    append_as_session(frame, bar);
    append(frame, root(frame, Time{120}), dull_quote(1));
    append(frame, root(frame, Time{120}), TradingSessionClosed{InstrumentId{3}, Date{0}});
    append(frame, root(frame, Time{120}), TradingSessionOpened{InstrumentId{3}, Date{1}});
    append(frame, Envelope{frame.next_seq(), Time{120}, 41, 41},
           SignalRaised{StrategyId{1}, InstrumentId{3}, Direction::shorten});
    append_as_session(frame, {InstrumentId{3}, Price{705}, Price{705}, Price{-5}, Price{700},
                              Qty{std::numeric_limits<std::int64_t>::min()}, Time{120}, Duration{60}});
    return frame;
}

}  // namespace

TEST_CASE("no value of a bar is too strange for its lane", "[store]") {
    std::mt19937_64 random = random_from(20'190'101);
    for (int round = 0; round < 300; ++round) {
        Frame frame;
        frame.begin(static_cast<Seq>(round) * 777);
        const std::uint64_t events = 1 + random() % 1'000;
        const std::uint64_t instruments = round % 3 == 0 ? 1 : round % 3 == 1 ? 5 : 3'000;
        const bool tame = round % 2 == 0;  // strange values among ordinary ones
        const auto value = [&] {
            return static_cast<std::int64_t>(tame && random() % 16 != 0 ? 100 + random() % 8 : any_value(random));
        };
        for (std::uint64_t i = 0; i < events; ++i) {
            const auto id = static_cast<std::uint32_t>(random() % 50 == 0 ? any_value(random) : random() % instruments);
            const BarClosed bar{InstrumentId{id}, Price{value()}, Price{value()}, Price{value()},
                                Price{value()},   Qty{value()},   Time{value()},  Duration{value()}};
            const BarOpened opened{bar.instrument, bar.open, bar.label, bar.interval};
            const Date date{static_cast<std::int32_t>(value())};
            switch (random() % 12) {
            case 10: append(frame, root(frame, Time{value()}), TradingSessionOpened{bar.instrument, date}); break;
            case 11: append(frame, root(frame, Time{value()}), TradingSessionClosed{bar.instrument, date}); break;
            case 0: append_stored(frame, Time{value()}, bar); break;
            case 1: append(frame, root(frame, Time{value()}), dull_quote(i)); break;
            case 2: append_mixed(frame, frame.next_seq()); break;
            case 3:  // of the first version, as the log of an older program has it
                append(frame, root(frame, Time{value()}), opened);
                set_version(frame, kHeaderBytes + 28, 1);
                break;
            case 4: append(frame, Envelope{frame.next_seq(), Time{value()}, 0, 0}, bar); break;
            case 5:
            case 6: append(frame, root(frame, Time{value()}), opened); break;
            default: append(frame, root(frame, Time{value()}), bar); break;
            }
        }
        check_round_trip(frame);
    }
}

TEST_CASE("every size of difference comes back from as many bits as it needs", "[store]") {
    for (unsigned bits = 0; bits < 64; ++bits) {
        Frame frame;
        frame.begin(0);
        for (const std::int64_t value : around_power_of_two(bits)) {
            const auto negated = static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(value));
            const InstrumentId id{static_cast<std::uint32_t>(value)};
            append_stored(frame, Time{value}, {id, Price{value}, Price{~value}, Price{0}, Price{negated}, Qty{value}});
            append_as_session(frame, {id, Price{~value}, Price{value}, Price{1}, Price{value}, Qty{~value},
                                      Time{negated}, Duration{value}});
        }
        check_round_trip(frame);
    }
}

TEST_CASE("every number of bars fills its blocks", "[store]") {
    for (const std::int64_t bars : {1, 2, 127, 128, 129, 256, 300, 513}) {
        Market market(static_cast<std::uint64_t>(bars));
        Frame frame;
        frame.begin(kLeafEvents - 5);
        Frame stored;
        stored.begin(0);
        for (std::int64_t k = 0; k < bars; ++k) {
            const BarClosed bar = market.bar(InstrumentId{0}, minute(k), kMinute, 40, 1'000);
            append_as_session(frame, bar);
            append_stored(stored, bar.label, bar);
        }
        check_round_trip(frame);
        check_round_trip(stored);
    }
}

TEST_CASE("instruments that share a slot do not get each other's bars", "[store]") {
    Market market(4);
    Frame frame;
    frame.begin(0);
    for (std::int64_t k = 0; k < 3'000; ++k) {
        const InstrumentId id{static_cast<std::uint32_t>(k * 1'024 % 100'000)};
        append_as_session(frame, market.bar(id, minute(k / 7), k % 5 == 0 ? kDay : kMinute, 40, 1'000));
    }
    check_round_trip(frame);
}

TEST_CASE("what a bar costs does not grow with the instruments of its market", "[store]") {
    // All of them open and close together; each has prices of its own.
    for (const std::uint32_t instruments : {1U, 3U, 20U}) {
        std::vector<Market> markets;
        markets.reserve(instruments);
        for (std::uint32_t i = 0; i < instruments; ++i) {
            markets.emplace_back(i);
        }
        Frame frame;
        frame.begin(0);
        std::uint64_t bars = 0;
        for (std::int64_t k = 0; bars < 2'000; ++k) {
            std::vector<BarClosed> now;
            for (std::uint32_t i = 0; i < instruments; ++i, ++bars) {
                now.push_back(markets[i].bar(InstrumentId{i}, minute(k), kMinute, 40, 1'000));
                append(frame, root(frame, now.back().label),
                       BarOpened{InstrumentId{i}, now.back().open, minute(k), kMinute});
            }
            for (const BarClosed& bar : now) {
                append(frame, root(frame, bar.label + kMinute), bar);
            }
        }
        check_round_trip(frame);
        INFO(instruments << " instruments");
        CHECK(static_cast<double>(stored_form(frame).size()) / static_cast<double>(bars) < 8.0);
    }
}

TEST_CASE("a bar takes a few bytes in a data set", "[store]") {
    const TempFolder folder;
    for (const Series& series : all_series()) {
        auto writer =
            DataSetWriter::create(folder / series.name, DataKind::bars, series.interval, series.interval == kDay);
        REQUIRE(writer);
        Market market(7);
        const InstrumentId id = (*writer)->symbol("NSE:X");
        for (std::int64_t k = 0; k < kBars; ++k) {
            const Time label = series.label(k);
            REQUIRE((*writer)->add(label, market.bar(id, label, series.interval, series.moves, series.volume)));
        }
        const Result<DataSetInfo> info = (*writer)->finish();
        REQUIRE(info);
        REQUIRE(verify_data_set(folder / series.name));
        INFO(series.name);
        CHECK(static_cast<double>(info->file_bytes) / kBars < series.most_bytes);
    }
}

TEST_CASE("a bar takes a few bytes in a journal, where it is two events", "[store]") {
    const TempFolder folder;
    for (const Series& series : all_series()) {
        Market market(7);
        auto log = create_journal(folder / series.name);
        REQUIRE(log);
        Frame frame;
        frame.begin(0);
        for (std::int64_t k = 0; k < kBars; ++k) {
            append_as_session(
                frame, market.bar(InstrumentId{0}, series.label(k), series.interval, series.moves, series.volume));
            if (frame.events >= 1'024 || k + 1 == kBars) {
                REQUIRE(append_frame(**log, frame));
                frame.begin(frame.next_seq());
            }
        }
        REQUIRE((*log)->finish(std::nullopt));
        log->reset();
        std::uintmax_t bytes = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / series.name)) {
            bytes += entry.is_regular_file() && entry.path().extension() == ".sst" ? entry.file_size() : 0;
        }
        INFO(series.name);
        CHECK(bytes > 0);
        CHECK(static_cast<double>(bytes) / kBars < series.most_bytes);
    }
}

TEST_CASE("a frame without bars is stored as it always was", "[store]") {
    Frame frame;
    frame.begin(0);
    for (Seq k = 0; k < 600; ++k) {
        append(frame, dull_envelope(k), dull_quote(k));
    }
    CHECK(stored_form(frame)[1] == 2);
    append(frame, dull_envelope(600), TradingSessionOpened{});
    CHECK(stored_form(frame)[1] == 2);
    append(frame, dull_envelope(601), BarOpened{});
    CHECK(stored_form(frame)[1] == 4);
    set_version(frame, kHeaderBytes + 28, 1);
    CHECK(stored_form(frame)[1] == 2);
}

TEST_CASE("bars stored by earlier versions can still be read", "[store]") {
    // ON DISK, DO NOT CHANGE: never edited, only added to.
    const Frame expected = small_frame();
    Frame one;  // so small that LZ4 gains nothing
    one.begin(0);
    std::mt19937_64 random = random_from(5);
    const auto value = [&] { return static_cast<std::int64_t>(random()); };
    for (std::uint32_t i = 0; i < 2; ++i) {
        const BarClosed bar{InstrumentId{i}, Price{value()}, Price{value()}, Price{value()},
                            Price{value()},  Qty{value()},   Time{value()},  Duration{value()}};
        append(one, root(one, Time{value()}), BarOpened{bar.instrument, bar.open, bar.label, bar.interval});
        append(one, root(one, Time{value()}), bar);
    }
    const std::string packed =
        "a104000009000000b9010000df000000773c7a45e3010202010109170c260705025d000100133c0800f007090a0b080d0c08"
        "0a0b4103010041f4030141c80101400400f103900301400c014103090000413c0146053d040c006000004605410222008047"
        "05a03500680406140030feff7b0700410000001049002001010700f109000100000002000000290000000101090000000b00"
        "0101782900021600000200001e00000200002e005403000000032100f002010c0100000601010007080800080101001000f0"
        "01010001ca03ae99999999999901010200";
    const std::string plain =
        "a103000004000000f0000000e4000000151a4e7300020200000400487b0000000069be23898a4b12b0c340c69c79403c210a"
        "0b0a0b41010440ede380a1d588e9ba5a026804ffff3dcd284a6446f312fdffcfcbf0982b2f086e4541e6d28b87d6ee84c92b"
        "046802ffff7e5298de562e81ecf4ffbf679379f76536a7c1014101046801ffffffadeb48fbb51b52f7ffffefe1e91a6e1872"
        "59090000006803ffff36b2157b048051ffff7fb7d1b8ce92741a526801ffffbedf4696ef073934f7ffffef9ed04073b79e2d"
        "066801ffffbe9358de981f5ea8fcffffef15f1320fa8da2e056802ffffbbdeea43711a49e4fefffbb357079dfe8a5676";
    Frame frame;
    CHECK(to_hex(stored_form(expected)) == packed);
    CHECK(to_hex(stored_form(one)) == plain);
    REQUIRE(decode_frame(from_hex(packed), 41, frame));
    CHECK(bytes_of(frame.bytes) == bytes_of(expected.bytes));
    REQUIRE(decode_frame(from_hex(plain), 0, frame));
    CHECK(bytes_of(frame.bytes) == bytes_of(one.bytes));
}

TEST_CASE("what lanes are made of does not change", "[store]") {
    // ON DISK, DO NOT CHANGE: several blocks in each lane, more instruments than slots, a day among minutes.
    Market market(3);
    Frame frame;
    frame.begin(0);
    for (std::int64_t k = 0; k < 1'500; ++k) {
        const InstrumentId id{static_cast<std::uint32_t>(k % 3 == 0 ? k : k % 3)};
        const BarClosed bar = market.bar(id, minute(k), k == 700 ? kDay : kMinute, 40, 1'000);
        append_as_session(frame, bar);
        append_stored(frame, bar.label, bar);
    }
    check_round_trip(frame);
    ByteBuffer columns;
    to_bar_columns(frame, columns);
    CHECK(columns.size() == 23'632);
    CHECK(crc32c(columns.view()) == 0x0104'8816);
}

TEST_CASE("a data set of bars from before they were columns is read as it was", "[store]") {
    // ON DISK, DO NOT CHANGE: three minutes, imported by the version before.
    const TempFolder folder;
    write_file(
        folder / "old",
        from_hex("616c70686173657401000000000000008f000000a102000003000000b4000000c2000000ffbbf2e8900000000002000000b4"
                 "0900f002032c0000000500010000589bc2a99c751515005000e288c006090031a474cc08000c100030a3e1111f00053c0044"
                 "b0e2bab73c00043400030800318066a74c000408004000b655bf7e00053c0043082ab3c53c0031402dd52c004000c37ec678"
                 "000c10008000a3e111000000000200000001000000005847f80d000000030000000000000000589bc2a99c751500082ab3c5"
                 "9c7515a6efc022c7210d208669eb2a72815fbca81f4552aef5f6c69a400c9d5c489042050000004e53453a58510000004e3f"
                 "000c616c706861656e64"));
    const Result<DataSetInfo> info = verify_data_set(folder / "old");
    REQUIRE(info);
    CHECK(info->records == 3);
    const auto reader = DataSetReader::open(folder / "old");
    REQUIRE(reader);
    const Result<const Frame*> frame = (*reader)->next();
    REQUIRE(frame);
    const Result<DecodedEvent> first = decode((*frame)->bytes.view(), 0);
    REQUIRE(first);
    CHECK(first->envelope.time == Time{1'546'314'300 * kSecondNs});
    CHECK(std::get<BarClosed>(first->event) ==
          BarClosed{InstrumentId{0}, price_of(290), price_of(292), price_of(290), price_of(292), qty_of(3)});

    // Written anew, it has the same content in fewer bytes.
    auto writer = DataSetWriter::create(folder / "new", info->kind, info->interval, info->date_only);
    REQUIRE(writer);
    const InstrumentId id = (*writer)->symbol(info->symbols.front());
    for (std::size_t at = 0; at < (*frame)->bytes.size(); at += kStoredBarBytes) {
        const Result<DecodedEvent> decoded = decode((*frame)->bytes.view().subspan(at), 0);
        REQUIRE(decoded);
        BarClosed bar = std::get<BarClosed>(decoded->event);
        bar.instrument = id;
        REQUIRE((*writer)->add(decoded->envelope.time, bar));
    }
    const Result<DataSetInfo> again = (*writer)->finish();
    REQUIRE(again);
    CHECK(again->content_hash == info->content_hash);
    CHECK(again->file_bytes < info->file_bytes);
}

TEST_CASE("a damaged frame of bars never comes back as something else", "[store]") {
    std::mt19937_64 random = random_from(9);
    Market market(9);
    Frame frame = small_frame();
    for (std::int64_t k = 0; k < 150; ++k) {
        append_as_session(frame, market.bar(InstrumentId{0}, minute(k), kMinute, 40, 1'000));
    }
    const std::vector<std::uint8_t> stored = stored_form(frame);
    Frame back;
    for (int round = 0; round < 10'000; ++round) {
        std::vector<std::uint8_t> bytes = stored;
        const std::uint64_t changes = 1 + random() % 4;
        for (std::uint64_t i = 0; i < changes; ++i) {
            bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
        }
        if (bytes != stored) {
            REQUIRE_FALSE(decode_frame(bytes, 41, back));
            REQUIRE(back.events == 0);
        }
    }
    for (std::size_t size = 0; size < stored.size(); ++size) {
        const std::vector<std::uint8_t> cut(stored.begin(), stored.begin() + static_cast<long>(size));
        REQUIRE_FALSE(decode_frame(cut, 41, back));
    }
    std::vector<std::uint8_t> longer = stored;
    longer.push_back(0);
    CHECK_FALSE(decode_frame(longer, 41, back));
}

TEST_CASE("lanes from anywhere are read within their bounds, checksum or not", "[store]") {
    // What a checksum would keep out goes to the columns directly here.
    std::mt19937_64 random = random_from(12);
    Market market(12);
    Frame frame = small_frame();
    frame.first_seq = 0;
    for (std::int64_t k = 0; k < 200; ++k) {
        const BarClosed bar =
            market.bar(InstrumentId{static_cast<std::uint32_t>(k % 3)}, minute(k), kMinute, 40, 1'000);
        append_as_session(frame, bar);
        append_stored(frame, bar.label, bar);
    }
    ByteBuffer columns;
    to_bar_columns(frame, columns);
    const std::vector<std::uint8_t> good = bytes_of(columns);
    Frame back;
    int accepted = 0;
    const auto try_bytes = [&](const std::vector<std::uint8_t>& bytes) {
        // A copy of its own, with the padding it needs and no more, so that a sanitizer sees a read past it.
        std::vector<std::uint8_t> padded(bytes.size() + kColumnPadding);
        std::copy(bytes.begin(), bytes.end(), padded.begin());
        back.begin(0);
        const bool ok = from_bar_columns({padded.data(), bytes.size()}, frame.events, frame.bytes.size(), back);
        REQUIRE((!ok || back.bytes.size() == frame.bytes.size()));
        return ok;
    };
    for (int round = 0; round < 20'000; ++round) {
        std::vector<std::uint8_t> bytes = good;
        const std::uint64_t changes = 1 + random() % 3;
        for (std::uint64_t i = 0; i < changes; ++i) {
            // The first bytes hold sizes and runs: half of the changes go there.
            const std::size_t range = random() % 2 == 0 ? std::min<std::size_t>(bytes.size(), 200) : bytes.size();
            bytes[random() % range] = static_cast<std::uint8_t>(random() % 3 == 0 ? 0xFF : random());
        }
        if (random() % 4 == 0) {
            bytes.resize(random() % bytes.size());
        }
        accepted += try_bytes(bytes) ? 1 : 0;
    }
    CHECK(accepted > 0);       // a changed difference is another value, not an error
    CHECK(accepted < 20'000);  // but a changed length or count is one
    for (std::size_t size = 0; size < good.size(); ++size) {
        REQUIRE_FALSE(try_bytes({good.begin(), good.begin() + static_cast<long>(size)}));
    }
    std::vector<std::uint8_t> longer = good;
    longer.push_back(0);
    CHECK_FALSE(try_bytes(longer));
    CHECK(try_bytes(good));
}

TEST_CASE("there is one way to write a number in the columns of bars", "[store]") {
    Frame frame;
    frame.begin(0);
    append_as_session(frame, {InstrumentId{0}, Price{7}, Price{7}, Price{7}, Price{7}, Qty{0}, Time{60}, Duration{60}});
    ByteBuffer columns;
    to_bar_columns(frame, columns);
    const std::vector<std::uint8_t> bytes = bytes_of(columns);
    const auto accepts = [&](std::vector<std::uint8_t> changed) {
        const std::size_t size = changed.size();
        changed.resize(size + kColumnPadding);
        Frame back;
        back.begin(0);
        return from_bar_columns({changed.data(), size}, frame.events, frame.bytes.size(), back);
    };
    REQUIRE(accepts(bytes));
    const std::size_t shape =
        13 + 16 + 2 + 4;  // of the column of opens: head, time and interval, runs, four columns of zeros
    REQUIRE(bytes[shape] >= 64);
    const auto with = [&](std::size_t at, std::uint8_t value) {
        std::vector<std::uint8_t> changed = bytes;
        changed[at] = value;
        return changed;
    };
    CHECK_FALSE(accepts(with(shape, 63)));     // no shape
    CHECK_FALSE(accepts(with(shape, 105)));    // more low bits than there can be
    CHECK_FALSE(accepts(with(shape + 1, 0)));  // a scale of 0
    CHECK_FALSE(
        accepts(with(shape + 2, static_cast<std::uint8_t>(bytes[shape + 2] | 128U))));  // bits behind the last value
    CHECK_FALSE(accepts(with(13 + 16, 8 + 3)));  // two runs of a kind, none of another
    CHECK_FALSE(accepts(with(13 + 16, 2)));      // an empty run
    // The value, which is 2, as if it were too large to be written in ones: 16 of them, its width and itself.
    REQUIRE(bytes[shape] == 65);
    std::vector<std::uint8_t> escaped = bytes;
    escaped[shape + 2] = 0xFF;
    escaped.insert(escaped.begin() + static_cast<long>(shape) + 3, {0xFF, 0x81});
    escaped[7] = static_cast<std::uint8_t>(escaped[7] + 2);  // bytes of the lane
    CHECK_FALSE(accepts(escaped));
}
