/// Writes the seeds of every target's corpus, from our own encoders: inputs near which fuzzing begins. The same every time, so
/// that a changed format shows as a changed file. What fuzzing has found since lies beside them under other names.

#include "adapters/paper/paper_broker.hpp"
#include "kernel/kernel.hpp"
#include "kernel/snapshot.hpp"
#include "store/bar_columns.hpp"
#include "store/data_set.hpp"
#include "store/frame.hpp"
#include "strategies/catalog.hpp"
#include "tests/events/support.hpp"
#include "tests/fuzz/input.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <zlib.h>

namespace {

using namespace alpha;
using Seed = std::vector<std::uint8_t>;

std::filesystem::path corpus;

void write(std::string_view target, std::string_view name, const Seed& seed) {
    constexpr std::size_t kMost = 8'192;
    ALPHA_ASSERT(seed.size() < kMost, "a seed is small");
    const std::filesystem::path folder = corpus / target;
    std::filesystem::create_directories(folder);
    std::ofstream out(folder / ("seed-" + std::string(name)), std::ios::binary);
    out.write(reinterpret_cast<const char*>(seed.data()), static_cast<std::streamsize>(seed.size()));
    ALPHA_ASSERT(out.flush().good(), "a seed could not be written");
}

Seed seed_of(std::initializer_list<std::uint8_t> front, Bytes bytes) {
    Seed seed(front);
    seed.insert(seed.end(), bytes.begin(), bytes.end());
    return seed;
}
Seed seed_of(std::initializer_list<std::uint8_t> front, std::string_view text) {
    return seed_of(front, Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

/// Bytes of no meaning, the same every time.
Seed dice(std::uint64_t state, std::size_t bytes) {
    Seed seed(bytes);
    for (std::uint8_t& byte : seed) {
        state = state * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
        byte = static_cast<std::uint8_t>(state >> 56U);
    }
    return seed;
}

// ---- events and frames ----------------------------------------------------------------------------------------------------

void codec_seeds() {
    const std::initializer_list<std::uint8_t> first_seq{0, 1, 0, 0, 0, 0, 0, 0};
    Seed all(first_seq);
    for (const test::Sample& sample : test::samples()) {
        const Seed bytes = test::encoded(sample.envelope, sample.event);
        const char* const name = std::visit([](const auto& event) { return event.name_v; }, sample.event);
        write("codec", name, seed_of(first_seq, bytes));
        all.insert(all.end(), bytes.begin(), bytes.end());
    }
    write("codec", "all", all);
}

void frame_seeds() {
    Frame mixed;
    mixed.begin(0);
    for (const test::Sample& sample : test::samples()) {
        Envelope envelope = sample.envelope;
        envelope.seq = mixed.next_seq();
        std::visit([&](const auto& event) { append(mixed, envelope, event); }, sample.event);
    }
    Frame quotes;
    quotes.begin(kLeafEvents - 3);
    for (std::int64_t i = 0; i < 600; ++i) {
        const InstrumentId instrument{static_cast<std::uint32_t>(i % 3)};
        append(quotes, Envelope{quotes.next_seq(), Time{i * kSecondNs}},
               QuoteTick{instrument, price_of(100 + i % 7), price_of(101 + i % 5), qty_of(i % 11), qty_of(i % 4)});
    }
    ByteBuffer stored;
    encode_frame(mixed, stored);
    for (const std::uint8_t kind : {std::uint8_t{0}, std::uint8_t{1}}) {
        write("frame", kind == 0 ? "mixed" : "mixed-mended", seed_of({kind, 0}, stored.view()));
    }
    stored.clear();
    encode_frame(quotes, stored);
    write("frame", "quotes", seed_of({0, 1}, stored.view()));
    write("frame", "quotes-mended", seed_of({1, 1}, stored.view()));
    Frame bars;
    bars.begin(kLeafEvents - 3);
    for (std::int64_t i = 0; i < 200; ++i) {
        const InstrumentId instrument{static_cast<std::uint32_t>(i % 3)};
        const Duration minute{60 * kSecondNs};
        const Time label{i * minute.ns};
        const BarClosed bar{instrument,
                            price_of(100 + i % 7),
                            price_of(120),
                            price_of(90),
                            price_of(101 + i % 5),
                            qty_of(i % 11),
                            label,
                            minute};
        append(bars, Envelope{bars.next_seq(), label}, BarOpened{instrument, bar.open, label, minute});
        append(bars, Envelope{bars.next_seq(), label + minute}, bar);
    }
    stored.clear();
    encode_frame(bars, stored);
    write("frame", "bars", seed_of({0, 1}, stored.view()));
    write("frame", "bars-mended", seed_of({1, 1}, stored.view()));
    ByteBuffer lanes;
    to_bar_columns(bars, lanes);
    const std::size_t canonical = bars.bytes.size();
    write("frame", "lanes",
          seed_of({2, 1, 2, static_cast<std::uint8_t>(bars.events), static_cast<std::uint8_t>(bars.events >> 8U),
                   static_cast<std::uint8_t>(canonical), static_cast<std::uint8_t>(canonical >> 8U)},
                  lanes.view()));
    for (std::uint8_t i = 0; i < 6; ++i) {
        write("frame", "events-" + std::to_string(i), seed_of({3, i}, dice(i, 150 + std::size_t{300} * i)));
        write("frame", "columns-" + std::to_string(i), seed_of({2, i}, dice(100U + i, 20 + std::size_t{40} * i)));
    }
}

// ---- states ---------------------------------------------------------------------------------------------------------------

/// A session with one strategy on one paper broker, over some minutes of two instruments.
class Run {
public:
    Run(const char* use, const std::vector<Setting>& given, const PaperSettings& settings)
        : broker_(make_paper_broker(settings)) {
        RunConfigured config;
        config.name = use;
        config.currency = "USD";
        for (const char* name : {"IBM", "BAC"}) {
            config.instruments.emplace_back().name = name;
        }
        config.portfolios.push_back({"main", money_of(100'000)});
        config.brokers.push_back({"paper", "paper", to_settings(settings)});
        config.risk = {{Rule::position, money_of(500)}, {Rule::order_rate, money_of(100)}};
        config.charges = {Money{100'000}, Decimal{31'000}};
        config.snapshot_interval = Duration{60 * kSecondNs};
        const StrategySpec* const spec = find_strategy(use);
        ALPHA_ASSERT(spec != nullptr, "the catalog has the strategy");
        config.strategies.push_back({"one", use, {}, {}, {{0}, {1}}, given});
        const auto params = validate_params(*spec, config.strategies[0], config.instruments);
        ALPHA_ASSERT(params.has_value(), "the parameters are good");
        config.strategies[0].params = *params;
        Kernel::Components parts;
        parts.strategies.push_back(spec->make(config.strategies[0], config.instruments));
        strategy_ = parts.strategies[0].get();
        parts.venues.push_back(broker_.get());
        kernel_ = std::make_unique<Kernel>(std::move(parts), frame_);
        kernel_->configure(config);
    }

    void play(int ticks) {
        static constexpr std::int64_t kSteps[] = {0, 40, -30, 90, 120, -200, -10, 60, 5, -70};
        for (; ticks > 0; --ticks, ++tick_) {
            now_ = now_ + Duration{2 * kSecondNs};
            cents_ += kSteps[tick_ % std::size(kSteps)];
            const InstrumentId instrument{static_cast<std::uint32_t>(tick_ % 2)};
            const Price bid{cents_ * 1'000'000};
            const Price ask{bid.raw + 2'000'000};
            kernel_->take(now_, QuoteTick{instrument, bid, ask, qty_of(3), qty_of(4)});
            kernel_->take(now_, BarClosed{instrument, bid, ask, bid, bid, qty_of(1), now_ - kSecond, kSecond});
        }
    }
    Seed state() const {
        ByteBuffer saved;
        save_state(kernel_->state(), saved);
        return seed_of({}, saved.view());
    }
    template <class Part>
    static Seed part(std::uint8_t index, const Part& part) {
        ByteBuffer saved;
        part.save(saved);
        return seed_of({index}, saved.view());
    }
    const Strategy& strategy() const { return *strategy_; }
    const Venue& broker() const { return *broker_; }

private:
    std::unique_ptr<Venue> broker_;
    Frame frame_;
    std::unique_ptr<Kernel> kernel_;
    const Strategy* strategy_ = nullptr;
    static constexpr Duration kSecond{kSecondNs};
    Time now_{1'704'067'200 * kSecondNs};
    std::int64_t cents_ = 10'000;
    std::size_t tick_ = 0;
};

constexpr const char* kOrders = "at 2 buy 5 IBM limit 99 as a; at 3 modify a 7 limit 101; at 4 sell 2 BAC stop 95; at "
                                "5 buy 3 BAC limit 90 gtc; at 6 "
                                "cancel a; at 8 buy 9 IBM stop 103 limit 104 gtc; at 9 sell 1 IBM";

void state_seeds() {
    // The settings are those that parts_fuzz.cpp gives its strategies, in its order.
    const std::vector<std::pair<const char*, std::vector<Setting>>> uses{
        {"ema_cross", {{"fast", "2"}, {"slow", "3"}, {"quantity", "10"}}},
        {"sma_cross", {{"fast", "2"}, {"slow", "3"}, {"quantity", "10"}}},
        {"buy_and_hold", {{"quantity", "10"}}},
        {"market_maker",
         {{"quantity", "5"}, {"half_spread", "0.5"}, {"max_inventory", "20"}, {"requote", "0.25"}, {"refresh", "3"}}},
        {"script", {{"orders", kOrders}}},
    };
    // Likewise those of its brokers.
    std::vector<PaperSettings> settings(4);
    for (std::size_t i = 0; i < settings.size(); ++i) {
        settings[i].fill = i % 2 == 0 ? FillModel::touch : FillModel::next_open;
        settings[i].use_size = i >= 2;
        settings[i].latency = i >= 2 ? Duration{250'000'000} : Duration{};
        settings[i].slippage = Price{1'000'000};
    }
    write("snapshot", "empty", [] {
        ByteBuffer saved;
        save_state(State{}, saved);
        return seed_of({}, saved.view());
    }());
    for (std::size_t u = 0; u < uses.size(); ++u) {
        const auto& [use, params] = uses[u];
        for (std::size_t b = 0; b < settings.size(); ++b) {
            Run run(use, params, settings[b]);
            const std::string name = std::string(use) + "-" + std::to_string(b);
            run.play(b == 0 ? 1 : 5);
            write("parts", name, Run::part(static_cast<std::uint8_t>(u), run.strategy()));
            run.play(7);
            write("parts", name + "-later", Run::part(static_cast<std::uint8_t>(u), run.strategy()));
            if (u >= 3) {
                write("parts", name + "-broker", Run::part(static_cast<std::uint8_t>(uses.size() + b), run.broker()));
            }
            write("snapshot", name, run.state());
        }
    }
}

// ---- files ----------------------------------------------------------------------------------------------------------------

constexpr std::string_view kQuotes = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n"
                                     "1381152600072000000,IBM,181.69,200,181.9,100\n"
                                     "1381152600072000000,\"BAC\",14.00000001,0,14.01,5\n"
                                     "1381152601000000000,IBM,0,0,181.95,3\n";
constexpr std::string_view kDays = "date,open,high,low,close,volume\n"
                                   "2024-01-01,10,11,9.5,10.25,1000\n"
                                   "2024-01-02,10.25,10.5,10,10.125,0\n";
constexpr std::string_view kMinutes = "Timestamp,Open,High,Low,Close,Note,Instrument\n"
                                      "2024-01-01T09:15:00+05:30,10,11,9.5,10.25,\"a \"\"b\"\"\",NSE:INFY\n"
                                      "2024-01-01 03:46Z,10.25,10.5,10,10.125,,NSE:TCS\n";

Seed gzipped(std::string_view text) {
    z_stream stream{};
    constexpr int kGzip = 15 + 16;
    ALPHA_ASSERT(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) == Z_OK, "zlib");
    std::string in(text);
    Seed out(deflateBound(&stream, in.size()));
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = out.data();
    stream.avail_out = static_cast<uInt>(out.size());
    ALPHA_ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib");
    out.resize(stream.total_out);
    static_cast<void>(deflateEnd(&stream));
    return out;
}

Seed data_set() {
    const std::filesystem::path path = corpus / "csv" / "set.tmp";
    auto writer = DataSetWriter::create(path.string(), DataKind::quotes, {}, false);
    ALPHA_ASSERT(writer.has_value(), "a data set could not be made");
    for (std::int64_t i = 0; i < 40; ++i) {
        const QuoteTick quote{(*writer)->symbol(i % 3 == 0 ? "IBM" : "BAC"), price_of(100 + i % 5), price_of(106),
                              qty_of(i), qty_of(1)};
        ALPHA_ASSERT((*writer)->add(Time{i * kSecondNs}, quote).has_value(), "a record could not be added");
    }
    ALPHA_ASSERT((*writer)->finish().has_value(), "a data set could not be finished");
    std::ifstream in(path, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    std::filesystem::remove(path);
    return {bytes.begin(), bytes.end()};
}

void csv_seeds() {
    const std::string bom = "\xEF\xBB\xBF";
    std::string crlf(kQuotes);
    for (std::size_t at = crlf.find('\n'); at != std::string::npos; at = crlf.find('\n', at + 2)) {
        crlf.insert(at, "\r");
    }
    write("csv", "quotes", seed_of({0}, kQuotes));
    write("csv", "quotes-bom-crlf", seed_of({0}, bom + crlf + "\r\n\r\n"));
    write("csv", "quotes-backwards", seed_of({0}, std::string(kQuotes) + "1381152600000000000,IBM,1,1,1,1\n"));
    write("csv", "quotes-nan", seed_of({0}, std::string(kQuotes) + "1381152602000000000,IBM,nan,1,inf,1\n"));
    write("csv", "quotes-blank", seed_of({0}, "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n\n1,IBM,1,1,1,1"));
    write("csv", "quotes-short", seed_of({0}, "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n1,IBM,1"));
    write("csv", "quotes-semicolons", seed_of({0}, "ts_ns;instrument;bid;bid_qty;ask;ask_qty\n"));
    write("csv", "quotes-gzip", seed_of({0}, Bytes(gzipped(kQuotes))));
    write("csv", "quotes-set", seed_of({0}, Bytes(data_set())));
    write("csv", "trades",
          seed_of({5}, "ts_ns,instrument,price,quantity,volume,exchange_ns\n"
                       "1381152600000000000,IBM,182.5,100,12345678901234,1381152599000000000\n"));
    write("csv", "empty", {0});
    write("csv", "binary", seed_of({0}, "PK\x03\x04 and more"));
    write("csv", "days", seed_of({2}, kDays));
    write("csv", "days-twice", seed_of({2}, std::string(kDays) + "2024-01-02,1,1,1,1,1\n"));
    write("csv", "days-outside", seed_of({2}, std::string(kDays) + "2024-01-03,1,2,3,4,5\n"));
    write("csv", "days-unnamed", seed_of({1}, kDays));
    write("csv", "days-stamped", seed_of({1}, kMinutes));
    write("csv", "minutes", seed_of({3}, kMinutes));
    write("csv", "minutes-named", seed_of({4}, kMinutes));
    write("csv", "minutes-overlap", seed_of({3}, std::string(kMinutes) + "2024-01-01T03:46:30Z,1,1,1,1,,NSE:TCS\n"));
}

void stream_seeds() {
    const std::string header = "ts_ns,instrument,bid,bid_qty,ask,ask_qty\n";
    const std::string quotes(kQuotes);
    const std::string days =
        "date,instrument,open,high,low,close\n2024-01-02,IBM,1,3,1,2\n2024-01-03,IBM,1,3,1,2\n2024-01-09,IBM,1,3,1,2\n";
    const std::string minutes(kMinutes);
    const auto senders = [](std::uint8_t kind, std::initializer_list<std::string> texts) {
        std::string all(1, static_cast<char>(kind));
        for (const std::string& text : texts) {
            all += {static_cast<char>(text.size() & 0xFFU), static_cast<char>(text.size() >> 8U)};
            all += text;
        }
        return seed_of({}, all);
    };
    write("stream", "quotes", senders(0, {quotes}));
    write("stream", "quotes-again", senders(0, {header, quotes.substr(0, quotes.size() / 2), quotes}));
    write("stream", "quotes-cut", senders(0, {quotes.substr(0, quotes.size() - 3), quotes}));
    write("stream", "quotes-other",
          senders(0, {quotes, header + "1381152600000000001,IBM,1,1,2,1\n" + quotes, quotes}));
    write("stream", "quotes-backwards", senders(0, {quotes + "1381152500000000000,IBM,1,1,1,1\n", quotes}));
    write("stream", "quotes-blank", senders(0, {quotes + "\n", quotes + "\n\nx\n", "\n", quotes}));
    write("stream", "strangers",
          senders(0, {"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02", quotes, std::string(9, '\0')}));
    write("stream", "days", senders(1, {days.substr(0, days.size() - 30), days + "2024-01-08,IBM,1,3,1,2\n", days}));
    write("stream", "minutes", senders(2, {minutes, minutes.substr(0, minutes.size() / 2), minutes + "x\n", minutes}));
    write("stream", "minutes-outside", senders(2, {minutes + "2199-12-31T23:59:30Z,1,1,1,1,,NSE:TCS\n", minutes}));
}

void yaml_seeds() {
    const std::string head = "name: seed\naccount: {currency: USD, cash: 100000}\n";
    const std::string data = "data:\n  - synth: {seed: 7, ticks: 100, instruments: [IBM, BAC]}\n";
    const std::string strategies = "strategies:\n"
                                   "  - id: one\n    use: ema_cross\n    instruments: [IBM]\n"
                                   "    params: {fast: 2, slow: 3, quantity: 10}\n";
    write("yaml", "least", seed_of({}, head + data));
    write(
        "yaml", "whole",
        seed_of({}, head + data +
                        "instruments: {IBM: {tick: 0.05, lot: 5, session: \"09:15-15:30 +05:30\"}}\n"
                        "default_instrument: {tick: 0.01, lot: 1, session: utc}\n"
                        "portfolios: {main: {cash: 1000}, side: {cash: 2.5}}\n"
                        "broker: {paper: {fill: next_open, latency: 250ms, slippage: 0.01, use_size: true}}\n"
                        "charges: {per_fill: 20, rate: 0.0003}\n"
                        "risk: {max_position: 100, max_orders_per_second: 5, allow_short: false, session_hours: true,\n"
                        "       price_band_percent: 20, max_data_age: 30s, allowed_instruments: [IBM]}\n"
                        "snapshot_interval: 1m\n" +
                        strategies + "    portfolio: side\n"));
    write("yaml", "script",
          seed_of({}, head + data + "strategies:\n  - id: s\n    use: script\n    instruments: [IBM]\n    params:\n" +
                          "      orders: |\n        at 1 buy 5 IBM limit 99 day as a\n        at 2 cancel a\n"));
    write("yaml", "strategy", seed_of({}, head + data + strategies));
    write("yaml", "slips", seed_of({}, "nam: x\nacount: {currency: US, cash: -1}\ndata: 7\nstrategies: {a: b}\n"));
    write("yaml", "twice", seed_of({}, head + head + data));
    write("yaml", "aliases", seed_of({}, "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nname: *c\n"));
    write("yaml", "merge", seed_of({}, "a: &a {name: x}\n<<: *a\n"));
    write("yaml", "tags", seed_of({}, "name: !!binary aGk=\n? [a, b]\n: c\n"));
    write("yaml", "deep-flow", seed_of({}, "name: " + std::string(300, '[') + std::string(300, ']')));
    write("yaml", "deep-maps", seed_of({}, "name: " + std::string(300, '{')));
    std::string nested;
    for (std::size_t i = 0; i < 60; ++i) {
        nested += std::string(i, ' ') + "a:\n";
    }
    write("yaml", "deep-block", seed_of({}, nested));
    write("yaml", "long", seed_of({}, "name: " + std::string(3'000, 'x')));
    write("yaml", "documents", seed_of({}, head + data + "---\n" + head));
    write("yaml", "quotes", seed_of({}, "name: 'it''s \"\naccount: \"a\\x41\\u263a\n"));
    write("yaml", "directives", seed_of({}, "%YAML 1.2\n%TAG ! tag:x,2024:\n--- >-\n text\n...\n"));
}

void anchor_seeds() {
    const auto slot = [](char generation) {
        std::string bytes("alpha anchor 1\n\0", 16);
        bytes += generation + std::string(7, '\0') + '\7' + std::string(7, '\0') + std::string(32, 'h');
        return bytes + std::string(4, '\0');
    };
    const std::string both = slot(2) + slot(3);
    write("anchor", "both", seed_of({7}, both));
    write("anchor", "first", seed_of({3}, both));
    write("anchor", "second", seed_of({5}, both));
    write("anchor", "none", seed_of({1}, both));
    write("anchor", "swapped", seed_of({7}, slot(3) + slot(2)));
    write("anchor", "short", seed_of({0}, slot(2)));
    write("anchor", "empty", {});
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        static_cast<void>(std::fprintf(stderr, "usage: fuzz_seeds FOLDER   (tests/fuzz/corpus)\n"));
        return 2;
    }
    corpus = argv[1];
    codec_seeds();
    frame_seeds();
    state_seeds();
    csv_seeds();
    stream_seeds();
    yaml_seeds();
    anchor_seeds();
    for (std::size_t i = 0; i < 16; ++i) {
        write("kernel", "moves-" + std::to_string(i), dice(1'000 + i, 100 + 120 * i));
    }
    return 0;
}
