#include "adapters/data/synth.hpp"

#include "adapters/data/csv.hpp"
#include "adapters/data/record_stream.hpp"
#include "events/assert.hpp"
#include "events/limits.hpp"
#include "store/disk.hpp"
#include "store/wire.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <fmt/format.h>
#include <functional>
#include <iterator>
#include <set>
#include <utility>

namespace alpha {

namespace {

/// The finalizer of splitmix64: every bit of the result depends on every bit of `x`.
constexpr std::uint64_t scramble(std::uint64_t x) {
    x += 0x9E37'79B9'7F4A'7C15U;
    x = (x ^ (x >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
    x = (x ^ (x >> 27U)) * 0x94D0'49BB'1331'11EBU;
    return x ^ (x >> 31U);
}

/// xoshiro256** by Blackman and Vigna. Our own, because the library's distributions differ between
/// implementations.
class Random {
public:
    explicit Random(std::uint64_t seed) {
        for (std::uint64_t& word : state_) {
            word = seed = scramble(seed);
        }
    }
    std::uint64_t next() {
        const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
        const std::uint64_t shifted = state_[1] << 17U;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= shifted;
        state_[3] = std::rotl(state_[3], 45);
        return result;
    }
    /// Evenly from 0 to n - 1, for a small n.
    std::int64_t below(std::int64_t n) {
        return static_cast<std::int64_t>((static_cast<UInt128>(next()) * static_cast<UInt128>(n)) >> 64U);
    }
    /// A bell around zero with a standard deviation of 591: the sum of four even draws from -512 to
    /// 511.
    std::int64_t bell() {
        const std::uint64_t bits = next();
        std::int64_t sum = -2'048;
        for (unsigned i = 0; i < 4; ++i) {
            sum += static_cast<std::int64_t>((bits >> (16 * i)) & 0x3FFU);
        }
        return sum;
    }

    void save(ByteBuffer& out) const {
        for (const std::uint64_t word : state_) {
            put(out, word);
        }
    }
    void load(WireReader& in) {
        for (std::uint64_t& word : state_) {
            word = in.get<std::uint64_t>();
        }
    }

private:
    std::array<std::uint64_t, 4> state_{};
};

/// NSE's cash session.
constexpr TradingHours kNse{19'800, 9 * 3'600 + 15 * 60, 15 * 3'600 + 30 * 60};
constexpr std::int64_t kSessionUs = std::int64_t{kNse.close_s - kNse.open_s} * 1'000'000;
/// 0.05 as a raw price.
constexpr std::int64_t kTickRaw = 5'000'000;
/// Fair values are kept in 1/1024 of a tick.
constexpr std::int64_t kFine = 1'024;
/// An instrument quotes about 20,000 times a day.
constexpr std::int64_t kMeanGapUs = kSessionUs / 20'000;

/// Quantiles of the exponential distribution in 1/1024 of its mean: waiting times between
/// independent arrivals.
constexpr std::array<std::int64_t, 16> kWaits{33,  101, 174,   253,   338,   431,   534,   648,
                                              776, 922, 1'093, 1'299, 1'556, 1'901, 2'424, 3'549};
constexpr std::array<std::int64_t, 5> kLots{25, 40, 50, 75, 100};

/// A spell of the market: how far a quote moves the price and how often its spread is wider than
/// one and two ticks, in 1/1024.
struct Spell {
    std::int64_t volatility;
    std::int64_t wider;
    std::int64_t widest;
};
constexpr std::array<Spell, 3> kSpells{{{4, 200, 30}, {8, 400, 100}, {18, 700, 350}}};

bool is_weekday(Date date) {
    const std::int32_t weekday = ((date.days + 4) % 7 + 7) % 7;  // 1970-01-01 was a Thursday; 0 is Sunday
    return weekday != 0 && weekday != 6;
}

/// One instrument, quoting. Its records do not depend on which others are asked for beside it.
class Quoter {
public:
    Quoter(std::uint64_t seed, std::uint32_t symbol, Date first_day)
        : random_(scramble(scramble(seed) + symbol)), symbol_(symbol), day_(first_day) {
        constexpr std::int64_t kLeastTicks = 3'000;  // 150 rupees
        constexpr std::int64_t kTicksRange = 16'001;
        base_ = (kLeastTicks + random_.below(kTicksRange)) * kFine;
        fair_ = base_;
        lot_ = kLots[static_cast<std::size_t>(random_.below(kLots.size()))];
        while (!is_weekday(day_)) {
            ++day_.days;
        }
        begin_day();
    }

    /// When the quote that make() gives stands, to the millisecond.
    Time time() const { return Time{kNse.open_on(day_).ns + at_us_ / 1'000 * 1'000'000}; }

    /// The quote at time(); then moves on to the next.
    QuoteTick make() {
        const Spell& spell = kSpells[spell_];
        const std::int64_t draw = random_.below(1'024);
        const std::int64_t spread = 1 + (draw < spell.wider ? 1 : 0) + (draw < spell.widest ? 1 : 0);
        const std::int64_t bid = fair_ / kFine - spread / 2;
        QuoteTick quote{InstrumentId{symbol_}, Price{bid * kTickRaw}, Price{(bid + spread) * kTickRaw}, Qty{}, Qty{}};
        quote.bid_qty = size();
        quote.ask_qty = size();
        move_price();
        move_time();
        return quote;
    }

    /// What changes from quote to quote.
    void save(ByteBuffer& out) const {
        random_.save(out);
        put(out, day_.days);
        put(out, fair_);
        put(out, target_);
        put(out, at_us_);
        put(out, static_cast<std::uint8_t>(spell_));
    }
    /// False for what no quoter of these settings saved.
    bool load(WireReader& in) {
        const Date first = day_;
        random_.load(in);
        day_.days = in.get<std::int32_t>();
        fair_ = in.get<std::int64_t>();
        target_ = in.get<std::int64_t>();
        at_us_ = in.get<std::int64_t>();
        spell_ = in.get<std::uint8_t>();
        return in.ok() && day_ >= first && is_weekday(day_) && day_.days <= kNse.date_of(kMaxTime).days &&
               fair_ >= base_ / 2 && fair_ <= base_ * 2 && target_ >= 0 && target_ <= base_ * 4 && at_us_ >= 0 &&
               at_us_ < kSessionUs && spell_ < kSpells.size();
    }

private:
    Qty size() {
        constexpr std::int64_t kUsualLots = 20;
        constexpr std::int64_t kLargest = 8;
        const std::int64_t lots = 1 + random_.below(kUsualLots);
        const bool large = random_.below(8) == 0;
        return qty_of(lots * lot_ * (large ? 1 + random_.below(kLargest) : 1));
    }

    void move_price() {
        // Scaled so that twenty thousand usual steps make a day's standard deviation of about 1.5
        // %.
        constexpr std::int64_t kStepDivisor = 47'300'000;
        constexpr std::int64_t kPull = 16'384;
        constexpr std::int64_t kQuotesPerSpell = 4'096;
        fair_ += random_.bell() * fair_ * kSpells[spell_].volatility / kStepDivisor + (target_ - fair_) / kPull;
        keep_in_range();
        if (random_.below(kQuotesPerSpell) == 0) {
            new_spell();
        }
    }

    void move_time() {
        constexpr std::int64_t kHalf = kSessionUs / 2;
        // From half the mean activity at midday to twice the mean at open and close, on a parabola.
        const std::int64_t from_midday = (at_us_ < kHalf ? kHalf - at_us_ : at_us_ - kHalf) * 1'024 / kHalf;
        const std::int64_t activity = 512 + 1'536 * from_midday * from_midday / 1'024 / 1'024;
        const std::int64_t wait = kWaits[static_cast<std::size_t>(random_.below(kWaits.size()))];
        const std::int64_t spread = 768 + random_.below(512);
        at_us_ += kMeanGapUs * wait / activity * spread / 1'024;
        if (at_us_ >= kSessionUs) {
            do {
                ++day_.days;
            } while (!is_weekday(day_));
            begin_day();
        }
    }

    void begin_day() {
        // Standard deviations of about 0.6 % overnight and of 1 % for where the day is drawn to.
        constexpr std::int64_t kGapDivisor = 98'500;
        constexpr std::int64_t kTargetDivisor = 59'100;
        constexpr std::int64_t kPullToBase = 16;
        fair_ += random_.bell() * fair_ / kGapDivisor;
        keep_in_range();
        target_ = fair_ + random_.bell() * fair_ / kTargetDivisor + (base_ - fair_) / kPullToBase;
        at_us_ = random_.below(kMeanGapUs);
        new_spell();
    }

    void new_spell() { spell_ = static_cast<std::size_t>(random_.below(kSpells.size())); }
    void keep_in_range() { fair_ = std::clamp(fair_, base_ / 2, base_ * 2); }

    Random random_;
    std::uint32_t symbol_;
    Date day_;
    std::int64_t lot_ = 0;
    std::int64_t base_ = 0;    ///< what the price returns to over weeks
    std::int64_t fair_ = 0;    ///< the present value
    std::int64_t target_ = 0;  ///< what the day is drawn to
    std::int64_t at_us_ = 0;   ///< of the next quote, since the open
    std::size_t spell_ = 0;
};

class SynthQuotes final : public RecordStream {
public:
    explicit SynthQuotes(const SynthSpec& spec)
        : symbols_(spec.instruments),
          ticks_(spec.ticks),
          witness_(witness_of(spec)),
          batch_(kBatchRecords, FeedRecord{Time{}, QuoteTick{}}) {
        for (std::uint32_t i = 0; i < symbols_.size(); ++i) {
            quoters_.emplace_back(spec.seed, i, spec.first_day);
        }
        begin_merge();
    }

    Result<std::span<FeedRecord>> next() override {
        last_before_ = size_ == 0 ? last_before_ : batch_[size_ - 1].time;
        before_ = quoters_;
        size_ = 0;
        std::size_t n = 0;
        while (n < batch_.size() && made_ < ticks_) {
            if (heap_.front().first >= kMaxTime) {
                break;
            }
            batch_[n++] = make();
        }
        size_ = n;
        if (n == 0 && made_ < ticks_) {
            return fail(ErrorKind::usage,
                        fmt::format("synthetic data reach the year 2200 after {} ticks; ask for fewer", made_));
        }
        return std::span(batch_).first(n);
    }

    const std::vector<std::string>& symbols() const override { return symbols_; }
    FeedProgress progress() const override { return {made_ * sizeof(FeedRecord), ticks_ * sizeof(FeedRecord)}; }

    SourcePlace place_after(std::size_t n) const override {
        SourcePlace place;
        place.from.row = made_ - size_ + n;
        place.from.last = n == 0 ? last_before_ : batch_[n - 1].time;
        place.content_hash = witness_;
        place.ahead = n;
        ByteBuffer state;
        for (const Quoter& quoter : before_) {
            quoter.save(state);
        }
        place.maker.assign(state.view().begin(), state.view().end());
        return place;
    }
    Result<void> resume(const SourcePlace& place) override {
        const auto refuse = [](std::string_view what) {
            return fail(ErrorKind::data,
                        fmt::format("synthetic data: the data changed: {}; restore the settings, or begin "
                                    "a new session",
                                    what));
        };
        if (place.content_hash != witness_) {
            return refuse("the settings are not what they were");
        }
        if (place.from.row > ticks_) {
            return refuse("there are fewer ticks than were read before");
        }
        if (!place.maker.empty()) {
            WireReader in(place.maker);
            const bool loaded = std::ranges::all_of(quoters_, [&](Quoter& quoter) { return quoter.load(in); });
            if (!loaded || in.left() != 0 || place.ahead > place.from.row) {
                return refuse("the place in them is damaged");
            }
            made_ = place.from.row - place.ahead;
        }
        // What is earlier than the last tick needs no merging, which is most of the work where all is made again.
        for (Quoter& quoter : quoters_) {
            while (quoter.time() < place.from.last && made_ < place.from.row) {
                static_cast<void>(quoter.make());
                ++made_;
            }
        }
        begin_merge();
        if (heap_.front().first < place.from.last) {
            return refuse("there are more ticks than were read before");
        }
        while (made_ < place.from.row) {
            if (heap_.front().first > place.from.last) {
                return refuse("the ticks are not those that were read before");
            }
            static_cast<void>(make());
        }
        last_before_ = place.from.last;
        before_ = quoters_;
        return {};
    }

private:
    static Digest witness_of(const SynthSpec& spec) {
        ByteBuffer bytes;
        put(bytes, spec.seed);
        put(bytes, spec.ticks);
        put(bytes, spec.first_day.days);
        for (const std::string& name : spec.instruments) {
            put(bytes, static_cast<std::uint32_t>(name.size()));
            bytes.append({reinterpret_cast<const std::uint8_t*>(name.data()), name.size()});
        }
        return sha256(bytes.view());
    }

    void begin_merge() {
        heap_.clear();
        for (std::uint32_t i = 0; i < quoters_.size(); ++i) {
            heap_.push_back({quoters_[i].time(), i});
        }
        std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
    }

    /// The earliest quote of all.
    FeedRecord make() {
        std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
        auto& [time, i] = heap_.back();
        const FeedRecord record{time, quoters_[i].make()};
        ++made_;
        time = quoters_[i].time();
        std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
        return record;
    }

    std::vector<std::string> symbols_;
    std::uint64_t ticks_;
    Digest witness_;  ///< of the settings
    std::uint64_t made_ = 0;
    std::size_t size_ = 0;           ///< records in the batch
    Time last_before_ = kBeforeAll;  ///< the time of the last record before it
    std::vector<Quoter> quoters_;
    std::vector<Quoter> before_;                        ///< as they stood before the batch
    std::vector<std::pair<Time, std::uint32_t>> heap_;  ///< each quoter's next time, the earliest in front
    std::vector<FeedRecord> batch_;
};

void append_quote(std::string& out, const FeedRecord& record, const std::vector<std::string>& csv_names) {
    const auto* const quote = std::get_if<QuoteTick>(&record.event);
    ALPHA_ASSERT(quote != nullptr, "synthetic data are quotes");
    fmt::format_to(std::back_inserter(out), "{},{},", record.time.ns, csv_names[quote->instrument.value]);
    append_decimal(out, quote->bid.raw);
    out += ',';
    append_decimal(out, quote->bid_qty.raw);
    out += ',';
    append_decimal(out, quote->ask.raw);
    out += ',';
    append_decimal(out, quote->ask_qty.raw);
    out += '\n';
}

/// A name as a CSV field.
std::string csv_field(const std::string& name) {
    if (name.find_first_of(",\"") == std::string::npos) {
        return name;
    }
    std::string out = "\"";
    for (const char c : name) {
        out += c == '"' ? "\"\"" : std::string(1, c);
    }
    return out + '"';
}

/// Writes everything to an open file.
Result<void> write_quotes(RecordStream& quotes, File& file) {
    std::vector<std::string> csv_names;
    for (const std::string& name : quotes.symbols()) {
        csv_names.push_back(csv_field(name));
    }
    std::string text(kQuoteHeader);
    text += '\n';
    while (true) {
        if (Result<void> put = file.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}); !put) {
            return put;
        }
        text.clear();
        const auto records = quotes.next();
        if (!records) {
            return tl::unexpected(records.error());
        }
        if (records->empty()) {
            return {};
        }
        for (const FeedRecord& record : *records) {
            append_quote(text, record, csv_names);
        }
    }
}

}  // namespace

Result<std::unique_ptr<RecordStream>> open_synth(const SynthSpec& spec) {
    const auto refuse = [](std::string_view what) {
        return fail(ErrorKind::usage, fmt::format("synthetic data: {}", what));
    };
    if (spec.instruments.empty()) {
        return refuse("name at least one instrument");
    }
    if (spec.instruments.size() > limits::kMaxInstruments) {
        return refuse(fmt::format("more than {} instruments", limits::kMaxInstruments));
    }
    std::set<std::string> names;
    for (const std::string& name : spec.instruments) {
        if (const std::string why = name_refusal(name); !why.empty()) {
            return refuse(why);
        }
        if (!names.insert(name).second) {
            return refuse(fmt::format("instrument {} is named twice", in_quotes(name)));
        }
    }
    const Time first = kNse.open_on(spec.first_day);
    if (first < kMinTime || first >= kMaxTime) {
        return refuse("the first day is outside 1800 to 2199");
    }
    return std::make_unique<SynthQuotes>(spec);
}

Result<void> write_synth_csv(const SynthSpec& spec, const std::string& path) {
    auto quotes = open_synth(spec);
    if (!quotes) {
        return tl::unexpected(quotes.error());
    }
    Result<Partial::WithFile> made = Partial::make_file(path, "choose another name or remove it");
    if (!made) {
        return tl::unexpected(made.error());
    }
    Result<void> written = write_quotes(**quotes, made->file);
    written = written ? made->file.sync() : written;
    return written ? made->partial.publish() : written;
}

}  // namespace alpha
