#include "store/bar_columns.hpp"

#include "store/columns.hpp"
#include "store/frame_walk.hpp"
#include "store/wire.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

namespace alpha {

namespace {

constexpr std::size_t kBlockBars = 128;  // the columns of all three lanes stay in the L1 cache
constexpr std::size_t kSlots = 1024;     // instruments of one frame that have a predecessor of their own

// ---- the kinds of bars ------------------------------------------------------------------------------------------------

enum Kind : std::uint8_t { kOther = 0, kStored = 1, kOpening = 2, kClose = 3, kDayBegins = 4, kDayEnds = 5 };
constexpr std::size_t kKinds = 6;
constexpr unsigned kKindBits = 3;
constexpr std::array<Kind, 5> kLanes{kStored, kOpening, kClose, kDayBegins, kDayEnds};
/// Whether it is one of the trading sessions that stand between bars: of bars of dates, one or two at each.
constexpr bool is_day(Kind kind) {
    return kind == kDayBegins || kind == kDayEnds;
}

static_assert(BarOpened::tag == 4 && BarClosed::tag == 5 && TradingSessionOpened::tag == 6 &&
                  TradingSessionClosed::tag == 7,
              "the format names the tags");
constexpr std::size_t kStoredPayload = 4 + 5 * 8;
constexpr std::size_t kOpeningPayload = 4 + 3 * 8;
constexpr std::size_t kClosePayload = 4 + 7 * 8;
constexpr std::size_t kDayPayload = 4 + 4;
constexpr std::array<std::uint64_t, kKinds> kStart{0,
                                                   plain_start(kStoredPayload, 5, 1),
                                                   plain_start(kOpeningPayload, 4, 2),
                                                   plain_start(kClosePayload, 5, 2),
                                                   plain_start(kDayPayload, 6, 1),
                                                   plain_start(kDayPayload, 7, 1)};
constexpr std::array<std::size_t, kKinds> kBytes{0,
                                                 kHeaderBytes + kStoredPayload,
                                                 kHeaderBytes + kOpeningPayload,
                                                 kHeaderBytes + kClosePayload,
                                                 kHeaderBytes + kDayPayload,
                                                 kHeaderBytes + kDayPayload};
static_assert(kBytes[kStored] == kStoredBarBytes);

Kind kind_at(const std::uint8_t* at, std::size_t left) {
    if (left < sizeof(std::uint64_t)) {
        return kOther;
    }
    const auto start = load<std::uint64_t>(at);
    for (const Kind kind : kLanes) {
        if (start == kStart[kind] && left >= kBytes[kind]) {
            return kind;
        }
    }
    return kOther;
}

/// The fields of all kinds; each kind has some of them.
struct Bar {
    std::uint32_t instrument = 0;
    std::uint64_t time = 0;
    std::uint64_t label = 0;
    std::uint64_t interval = 0;
    std::uint64_t open = 0;
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    std::uint64_t close = 0;
    std::uint64_t volume = 0;
    std::uint32_t date = 0;
};

template <Kind K, class Visit>
void each_number(Bar& bar, Visit visit) {
    visit(bar.open);
    if constexpr (K != kOpening) {
        visit(bar.high);
        visit(bar.low);
        visit(bar.close);
        visit(bar.volume);
    }
    if constexpr (K != kStored) {
        visit(bar.label);
        visit(bar.interval);
    }
}

/// Visits the fields of a kind that follow the instrument, as they stand in its canonical bytes.
template <Kind K, class Visit>
void each_field(Bar& bar, Visit visit) {
    if constexpr (is_day(K)) {
        visit(bar.date);
    } else {
        each_number<K>(bar, visit);
    }
}

template <Kind K>
void read_bar(const std::uint8_t* at, Bar& bar) {
    bar.time = load<std::uint64_t>(at + 8);
    bar.instrument = load<std::uint32_t>(at + kHeaderBytes);
    at += kHeaderBytes + 4;
    each_field<K>(bar, [&](auto& field) {
        field = load<std::remove_cvref_t<decltype(field)>>(at);
        at += sizeof field;
    });
}

template <Kind K>
void write_bar(std::uint8_t* at, Bar& bar) {
    store(at, kStart[K]);
    store(at + 8, bar.time);
    store(at + kHeaderBytes, bar.instrument);
    at += kHeaderBytes + 4;
    each_field<K>(bar, [&](auto field) {
        store(at, field);
        at += sizeof field;
    });
}

// ---- columns ----------------------------------------------------------------------------------------------------------

/// In the order in which fields are foretold, each from those before it.
enum Column : std::uint8_t { kInstrument, kTime, kLabel, kInterval, kOpen, kCloseAt, kHigh, kLow, kVolume, kDate };
constexpr std::size_t kColumns = 10;

constexpr std::array<Column, 7> kStoredColumns{kInstrument, kTime, kOpen, kCloseAt, kHigh, kLow, kVolume};
constexpr std::array<Column, 5> kOpeningColumns{kInstrument, kTime, kLabel, kInterval, kOpen};
constexpr std::array<Column, 9> kCloseColumns{kInstrument, kTime, kLabel, kInterval, kOpen,
                                              kCloseAt,    kHigh, kLow,   kVolume};
constexpr std::array<Column, 3> kDayColumns{kInstrument, kTime, kDate};
constexpr std::span<const Column> columns_of(Kind kind) {
    if (is_day(kind)) {
        return kDayColumns;
    }
    return kind == kStored    ? std::span<const Column>(kStoredColumns)
           : kind == kOpening ? std::span<const Column>(kOpeningColumns)
                              : std::span<const Column>(kCloseColumns);
}

/// Columns whose values are foretold from below: for those of true bars no sign is needed.
constexpr bool is_signed(Kind kind, Column column) {
    return column != kHigh && column != kLow && column != kVolume &&
           (column != kTime || kind == kClose || kind == kDayEnds);
}

/// What is left of the fields of up to kBlockBars bars, column by column.
struct Block {
    std::array<std::array<std::uint64_t, kBlockBars>, kColumns> columns;
};

/// How a bar is written: what was foretold is taken off its fields.
class Taking {
public:
    Taking(Block& block, std::size_t row) : block_(block), row_(row) {}
    template <class Field>
    void field(Column column, Field& field, std::uint64_t foretold) {
        block_.columns[column][row_] = field - foretold;
    }
    void below(Column column, std::uint64_t& field, std::uint64_t foretold) {
        block_.columns[column][row_] = foretold - field;
    }

private:
    Block& block_;
    std::size_t row_;
};

/// How it is read: what was foretold is added again.
class Adding {
public:
    Adding(const Block& block, std::size_t row) : block_(block), row_(row) {}
    template <class Field>
    void field(Column column, Field& field, std::uint64_t foretold) {
        field = static_cast<Field>(block_.columns[column][row_] + foretold);
    }
    void below(Column column, std::uint64_t& field, std::uint64_t foretold) {
        field = foretold - block_.columns[column][row_];
    }

private:
    const Block& block_;
    std::size_t row_;
};

std::uint64_t larger(std::uint64_t a, std::uint64_t b) {
    return static_cast<std::int64_t>(a) < static_cast<std::int64_t>(b) ? b : a;
}
std::uint64_t smaller(std::uint64_t a, std::uint64_t b) {
    return static_cast<std::int64_t>(a) < static_cast<std::int64_t>(b) ? a : b;
}

/// What the bars so far let one expect of the next. Writer and reader go through the same steps, so that both foretell the same.
class Foretold {
public:
    Foretold(std::uint64_t first_time, std::uint64_t interval)
        : time_(first_time), interval_(interval), step_(interval) {}

    template <Kind K, class Through>
    void pass(Bar& bar, Through through) {
        through.field(kInstrument, bar.instrument, std::uint64_t{follower_[K][last_[K] % kSlots]});
        follower_[K][last_[K] % kSlots] = bar.instrument;
        last_[K] = bar.instrument;
        Slot& slot = slots_[bar.instrument % kSlots];
        if constexpr (is_day(K)) {
            through.field(kTime, bar.time, K == kDayBegins ? next_begin(slot) : time_);
            const std::uint64_t day = bar.time / static_cast<std::uint64_t>(kDayNs);
            through.field(kDate, bar.date, day + date_ahead_[K]);
            date_ahead_[K] = bar.date - day;
            time_ = bar.time;
            return;
        }
        if constexpr (K == kStored) {
            through.field(kTime, bar.time, next_begin(slot));
            begin(slot, bar.time);
            through.field(kOpen, bar.open, slot.close);
        } else if constexpr (K == kOpening) {
            through.field(kTime, bar.time, next_begin(slot));
            through.field(kLabel, bar.label, bar.time);
            through.field(kInterval, bar.interval, slot.seen ? slot.interval : interval_);
            through.field(kOpen, bar.open, slot.close);
            begin(slot, bar.label);
            slot.open = bar.open;
        } else if constexpr (K == kClose) {
            through.field(kTime, bar.time, slot.seen ? slot.label + slot.interval + lag_ : time_);
            // The opening of a close that comes first stands in a frame before this one.
            through.field(kLabel, bar.label, slot.seen ? slot.label : bar.time - interval_ - lag_);
            through.field(kInterval, bar.interval, slot.seen ? slot.interval : interval_);
            through.field(kOpen, bar.open, slot.open);
            lag_ = bar.time - bar.label - bar.interval;
        }
        if constexpr (K == kStored || K == kClose) {
            through.field(kCloseAt, bar.close, bar.open);
            through.field(kHigh, bar.high, larger(bar.open, bar.close));
            through.below(kLow, bar.low, smaller(bar.open, bar.close));
            through.field(kVolume, bar.volume, 0);
            slot.close = bar.close;
        }
        if constexpr (K == kOpening || K == kClose) {
            interval_ = bar.interval;
            slot.interval = bar.interval;
        }
        time_ = bar.time;
    }

private:
    struct Slot {
        std::uint64_t label = 0;
        std::uint64_t interval = 0;
        std::uint64_t open = 0;   ///< of the last opening
        std::uint64_t close = 0;  ///< of the last close
        bool seen = false;        ///< it began in this frame
    };

    /// A bar begins no earlier than the event before it, nor than one step after the last one of its instrument. So bars of
    /// one instrument without gaps, and bars of many at the same times, leave nothing; a gap leaves itself.
    std::uint64_t next_begin(const Slot& slot) const { return slot.seen ? larger(time_, slot.label + step_) : time_; }
    /// The step is the shortest so far: stored bars do not say how long they last, and those of dates end before the next begin.
    void begin(Slot& slot, std::uint64_t label) {
        const auto gap = static_cast<std::int64_t>(label - slot.label);
        if (slot.seen && gap > 0 && (step_ == 0 || gap < static_cast<std::int64_t>(step_))) {
            step_ = static_cast<std::uint64_t>(gap);
        }
        slot.label = label;
        slot.seen = true;
    }

    std::array<Slot, kSlots> slots_{};
    std::array<std::array<std::uint32_t, kSlots>, kKinds>
        follower_{};                            ///< by kind: which instrument came after this one
    std::array<std::uint32_t, kKinds> last_{};  ///< by kind: the last bar's instrument
    std::uint64_t time_;
    std::uint64_t interval_;
    std::uint64_t step_;
    std::array<std::uint64_t, kKinds> date_ahead_{};  ///< by kind: of the UTC day, as of the last one; zones differ
    std::uint64_t lag_ = 0;  ///< from label + interval to the close: bars of dates end with their session
};

// ---- columns as bits --------------------------------------------------------------------------------------------------

constexpr std::uint8_t kHasValues = 64;
constexpr unsigned kEscapeOnes = 16;
/// With kEscapeOnes it bounds what one look at 57 bits must show.
constexpr unsigned kMaxLowBits = 40;
constexpr unsigned kWidthBits = 6;
constexpr std::size_t kMaxValueBits = kEscapeOnes + kWidthBits + 64;
/// With its shape and scale, and what is stored beyond the last bit.
constexpr std::size_t kMaxColumnBytes = 1 + 10 + (kBlockBars * kMaxValueBits + 7) / 8 + 16;

constexpr std::uint64_t low_bits(unsigned n) {
    return n == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
}

/// A divisor, with what divides exactly by it without a division: v / (odd << shift) = (v * odd^-1) >> shift modulo 2^64.
class Divisor {
public:
    explicit Divisor(std::uint64_t value) : value_(value), shift_(static_cast<unsigned>(std::countr_zero(value))) {
        const std::uint64_t odd = value >> shift_;
        inverse_ = odd;  // right in its three lowest bits; each round doubles them
        for (int round = 0; round < 5; ++round) {
            inverse_ *= 2 - odd * inverse_;
        }
        largest_quotient_ = ~std::uint64_t{0} / odd;
    }
    std::uint64_t value() const { return value_; }
    /// Multiples of the odd part are what becomes small enough by its inverse.
    bool divides(std::uint64_t v) const {
        return v * inverse_ <= largest_quotient_ && (v & ((std::uint64_t{1} << shift_) - 1)) == 0;
    }
    // v / value(). Require that it divides v, or v without its sign.
    std::uint64_t divide_signed(std::uint64_t v) const {
        return static_cast<std::uint64_t>(static_cast<std::int64_t>(v * inverse_) >> shift_);
    }
    std::uint64_t divide_unsigned(std::uint64_t v) const { return v * inverse_ >> shift_; }

private:
    std::uint64_t value_;
    std::uint64_t inverse_ = 0;
    std::uint64_t largest_quotient_ = 0;  ///< by the odd part
    unsigned shift_;
};

std::uint64_t magnitude(std::uint64_t v) {
    return v >> 63U != 0 ? 0 - v : v;
}

/// The greatest common divisor of all values, which are not all zero; prices are multiples of a tick, and times of a minute.
template <bool Signed>
Divisor common_divisor(std::span<const std::uint64_t> values) {
    const auto first = std::find_if(values.begin(), values.end(), [](std::uint64_t v) { return v != 0; });
    Divisor divisor(Signed ? magnitude(*first) : *first);
    for (auto v = first + 1; v != values.end() && divisor.value() != 1; ++v) {
        const std::uint64_t size = Signed ? magnitude(*v) : *v;
        if (!divisor.divides(size)) [[unlikely]] {
            divisor = Divisor(std::gcd(divisor.value(), size));
        }
    }
    return divisor;
}

/// How many low bits are written as they are: about those of the middle value, which is best for values that grow rarer the
/// same way at every size.
unsigned choose_low_bits(std::span<const std::uint64_t> values) {
    std::array<std::uint16_t, 65> of_width{};
    for (const std::uint64_t v : values) {
        ++of_width[static_cast<std::size_t>(std::bit_width(v))];
    }
    unsigned width = 0;
    for (std::size_t below = of_width[0]; below <= values.size() / 2; below += of_width[width]) {
        ++width;
    }
    return std::min(width == 0 ? 0 : width - 1, kMaxLowBits);
}

class BitWriter {
public:
    /// Requires 8 bytes beyond the last that is written.
    explicit BitWriter(std::uint8_t* to) : to_(to) {}
    static constexpr unsigned kMostBits = 56;
    /// Requires n <= kMostBits and no bits of `bits` above them.
    void put(std::uint64_t bits, unsigned n) {
        pending_ |= bits << filled_;
        filled_ += n;
        store(to_, pending_);
        to_ += filled_ / 8;
        pending_ >>= filled_ & ~7U;
        filled_ &= 7U;
    }
    std::uint8_t* end() const { return to_ + (filled_ != 0 ? 1 : 0); }

private:
    std::uint8_t* to_;
    std::uint64_t pending_ = 0;
    unsigned filled_ = 0;
};

template <bool Signed>
void put_values(std::span<std::uint64_t> values, ByteBuffer& out) {
    const Divisor scale = common_divisor<Signed>(values);
    for (std::uint64_t& v : values) {
        v = Signed ? zigzag(scale.divide_signed(v)) : scale.divide_unsigned(v);
    }
    const unsigned k = choose_low_bits(values);
    put(out, static_cast<std::uint8_t>(kHasValues + k));
    put_varint(out, scale.value());
    const std::size_t begin = out.size();
    std::uint8_t* const data = out.extend(kMaxColumnBytes);
    BitWriter bits(data);
    const auto is_small = [&](std::uint64_t v) { return v >> k < kEscapeOnes; };
    const auto size_of = [&](std::uint64_t v) { return static_cast<unsigned>(v >> k) + 1 + k; };
    const auto bits_of = [&](std::uint64_t v) {
        const auto ones = static_cast<unsigned>(v >> k);
        return low_bits(ones) | (v & low_bits(k)) << (ones + 1);
    };
    const auto put_one = [&](std::uint64_t v) {
        if (is_small(v)) [[likely]] {
            bits.put(bits_of(v), size_of(v));
            return;
        }
        const auto width = static_cast<unsigned>(std::bit_width(v));
        bits.put(low_bits(kEscapeOnes) | std::uint64_t{width - 1} << kEscapeOnes, kEscapeOnes + kWidthBits);
        bits.put(v & low_bits(32), std::min(width, 32U));
        bits.put(v >> 32U, width - std::min(width, 32U));
    };
    // Two at once where they are small, which nearly all are: each put waits for the one before it.
    std::size_t i = 0;
    for (; i + 1 < values.size(); i += 2) {
        const std::uint64_t a = values[i];
        const std::uint64_t b = values[i + 1];
        if (is_small(a) && is_small(b) && size_of(a) + size_of(b) <= BitWriter::kMostBits) [[likely]] {
            bits.put(bits_of(a) | bits_of(b) << size_of(a), size_of(a) + size_of(b));
        } else {
            put_one(a);
            put_one(b);
        }
    }
    if (i < values.size()) {
        put_one(values[i]);
    }
    out.resize(begin + static_cast<std::size_t>(bits.end() - data));
}

void put_column(std::span<std::uint64_t> values, bool with_sign, ByteBuffer& out) {
    if (std::all_of(values.begin(), values.end(), [](std::uint64_t v) { return v == 0; })) {
        put(out, std::uint8_t{0});
    } else if (with_sign) {
        put_values<true>(values, out);
    } else {
        put_values<false>(values, out);
    }
}

/// Reads bits that may end anywhere: whoever reads looks afterwards whether that was beyond their end. Requires
/// kColumnPadding readable bytes behind them.
class BitReader {
public:
    explicit BitReader(const std::uint8_t* from) : from_(from) {}
    static constexpr unsigned kPeeked = 57;
    /// At least the next kPeeked bits.
    std::uint64_t peek() const { return load<std::uint64_t>(from_ + at_ / 8) >> (at_ % 8); }
    void skip(unsigned n) { at_ += n; }
    /// Requires n <= kPeeked.
    std::uint64_t get(unsigned n) {
        const std::uint64_t bits = peek() & low_bits(n);
        at_ += n;
        return bits;
    }
    std::size_t at() const { return at_; }

private:
    const std::uint8_t* from_;
    std::size_t at_ = 0;
};

/// A value that follows kEscapeOnes ones. False when it would not have needed them, or is not of the width it claims. Inline, or the
/// reader's place would have to lie in memory for it, and each value would wait for that.
[[gnu::always_inline]] inline bool get_escaped(BitReader& bits, unsigned k, std::uint64_t& v) {
    bits.skip(kEscapeOnes);
    const auto width = static_cast<unsigned>(bits.get(kWidthBits)) + 1;
    v = bits.get(std::min(width, 32U));
    v |= bits.get(width - std::min(width, 32U)) << 32U;
    return static_cast<unsigned>(std::bit_width(v)) == width && v >> k >= kEscapeOnes;
}

template <bool Signed>
bool get_values(WireReader& in, unsigned k, std::uint64_t scale, std::span<std::uint64_t> values) {
    const Bytes rest = in.rest();
    const std::size_t end = rest.size() * 8;
    BitReader bits(rest.data());
    const auto keep = [&](std::uint64_t& value, std::uint64_t v) { value = (Signed ? unzigzag(v) : v) * scale; };
    const auto get_one = [&](std::uint64_t& value) {
        const std::uint64_t next = bits.peek();
        const auto ones = static_cast<unsigned>(std::countr_one(next));
        std::uint64_t v = 0;
        if (ones < kEscapeOnes) [[likely]] {
            v = std::uint64_t{ones} << k | (next >> (ones + 1) & low_bits(k));
            bits.skip(ones + 1 + k);
        } else if (!get_escaped(bits, k, v)) {
            return false;
        }
        keep(value, v);
        return bits.at() <= end;
    };
    // Two with one load where they are small, which nearly all are: each load waits for where the value before it ends.
    std::size_t i = 0;
    for (; i + 1 < values.size(); i += 2) {
        const std::uint64_t next = bits.peek();
        const auto ones = static_cast<unsigned>(std::countr_one(next));
        const std::uint64_t behind = next >> (ones + 1 + k) % 64;
        const auto more_ones = static_cast<unsigned>(std::countr_one(behind));
        const unsigned both = ones + 1 + k + more_ones + 1 + k;
        if (ones < kEscapeOnes && more_ones < kEscapeOnes && both <= BitReader::kPeeked) [[likely]] {
            keep(values[i], std::uint64_t{ones} << k | (next >> (ones + 1) & low_bits(k)));
            keep(values[i + 1], std::uint64_t{more_ones} << k | (behind >> (more_ones + 1) & low_bits(k)));
            bits.skip(both);
            if (bits.at() > end) {
                return false;
            }
        } else if (!get_one(values[i]) || !get_one(values[i + 1])) {
            return false;
        }
    }
    if (i < values.size() && !get_one(values[i])) {
        return false;
    }
    const auto unused = static_cast<unsigned>(-bits.at() % 8);
    return bits.get(unused) == 0 && !in.take(bits.at() / 8).empty();
}

bool get_column(WireReader& in, bool with_sign, std::span<std::uint64_t> values) {
    const unsigned shape = in.get<std::uint8_t>();
    if (!in.ok()) {
        return false;
    }
    if (shape == 0) {
        std::fill(values.begin(), values.end(), 0);
        return true;
    }
    std::uint64_t scale = 0;
    if (shape < kHasValues || shape > kHasValues + kMaxLowBits || !get_varint(in, ~std::uint64_t{0}, scale) ||
        scale == 0) {
        return false;
    }
    const unsigned k = shape - kHasValues;
    return with_sign ? get_values<true>(in, k, scale, values) : get_values<false>(in, k, scale, values);
}

// ---- lanes ------------------------------------------------------------------------------------------------------------

template <Kind K>
class LaneWriter {
public:
    explicit LaneWriter(ByteBuffer& out) : out_(out) {}

    void add(const std::uint8_t* event, Foretold& foretold) {
        Bar bar;
        read_bar<K>(event, bar);
        foretold.pass<K>(bar, Taking(block_, size_));
        ++bars_;
        if (++size_ == kBlockBars) {
            flush();
        }
    }
    void flush() {
        if (size_ != 0) {
            for (const Column column : columns_of(K)) {
                put_column(std::span(block_.columns[column]).first(size_), is_signed(K, column), out_);
            }
            size_ = 0;
        }
    }
    std::uint64_t bars() const { return bars_; }

private:
    ByteBuffer& out_;
    Block block_;  // its first size_ rows are meant
    std::size_t size_ = 0;
    std::uint64_t bars_ = 0;
};

template <Kind K>
class LaneReader {
public:
    /// `bars` in all stand in `blocks`, which kColumnPadding readable bytes follow.
    LaneReader(Bytes blocks, std::uint64_t bars) : in_(blocks), to_come_(bars) {}

    std::uint64_t left() const { return to_come_ + (size_ - at_); }
    /// Writes the next `n` bars, which must be left, at `to`. False when the bytes are not those of blocks.
    bool get(std::uint64_t n, std::uint8_t* to, Foretold& foretold) {
        for (; n > 0; --n, ++at_, to += kBytes[K]) {
            if (at_ == size_ && !next_block()) {
                return false;
            }
            Bar bar;
            foretold.pass<K>(bar, Adding(block_, at_));
            write_bar<K>(to, bar);
        }
        return true;
    }
    bool at_end() const { return left() == 0 && in_.left() == 0; }

private:
    bool next_block() {
        at_ = 0;
        size_ = static_cast<std::size_t>(std::min<std::uint64_t>(to_come_, kBlockBars));
        to_come_ -= size_;
        return std::ranges::all_of(columns_of(K), [&](Column column) {
            return get_column(in_, is_signed(K, column), std::span(block_.columns[column]).first(size_));
        });
    }

    WireReader in_;
    std::uint64_t to_come_;
    Block block_;  // its first size_ rows are meant
    std::size_t size_ = 0;
    std::size_t at_ = 0;
};

/// Time and interval of the first bars of a frame, from which the others are foretold.
void find_first(const Frame& frame, std::uint64_t& time, std::uint64_t& interval) {
    bool is_first = true;
    const std::uint8_t* const begin = frame.bytes.data();
    const std::size_t size = frame.bytes.size();
    for (std::size_t at = 0; at < size;) {
        const Kind kind = kind_at(begin + at, size - at);
        if (kind == kOther || is_day(kind)) {
            at += event_bytes(begin + at);
            continue;
        }
        if (std::exchange(is_first, false)) {
            time = load<std::uint64_t>(begin + at + 8);
        }
        at += kBytes[kind];
        if (kind != kStored) {
            interval = load<std::uint64_t>(begin + at - sizeof interval);
            return;
        }
    }
}

}  // namespace

bool has_bars(const Frame& frame) {
    const std::uint8_t* const begin = frame.bytes.data();
    const std::size_t size = frame.bytes.size();
    for (std::size_t at = 0; at < size; at += event_bytes(begin + at)) {
        // Sessions alone, between quotes, are no reason for lanes.
        if (const Kind kind = kind_at(begin + at, size - at); kind != kOther && !is_day(kind)) {
            return true;
        }
        ALPHA_ASSERT(size - at >= kHeaderBytes, "a frame holds whole events");
    }
    return false;
}

void to_bar_columns(const Frame& frame, ByteBuffer& out) {
    // Kept from frame to frame: their size settles after the first.
    thread_local ByteBuffer runs;
    thread_local std::array<ByteBuffer, kKinds> lanes;
    thread_local Frame others;
    runs.clear();
    for (ByteBuffer& lane : lanes) {
        lane.clear();
    }
    others.begin(0);
    std::uint64_t time = 0;
    std::uint64_t interval = 0;
    find_first(frame, time, interval);
    Foretold foretold(time, interval);
    LaneWriter<kStored> stored(lanes[kStored]);
    LaneWriter<kOpening> openings(lanes[kOpening]);
    LaneWriter<kClose> closes(lanes[kClose]);
    LaneWriter<kDayBegins> day_begins(lanes[kDayBegins]);
    LaneWriter<kDayEnds> day_ends(lanes[kDayEnds]);

    const std::uint8_t* const begin = frame.bytes.data();
    const std::size_t size = frame.bytes.size();
    std::uint32_t events = 0;
    for (std::size_t at = 0; at < size;) {
        const Kind kind = kind_at(begin + at, size - at);
        const std::size_t from = at;
        std::uint32_t n = 0;
        do {
            switch (kind) {
            case kStored: stored.add(begin + at, foretold); break;
            case kOpening: openings.add(begin + at, foretold); break;
            case kClose: closes.add(begin + at, foretold); break;
            case kDayBegins: day_begins.add(begin + at, foretold); break;
            case kDayEnds: day_ends.add(begin + at, foretold); break;
            case kOther:
                ALPHA_ASSERT(size - at >= kHeaderBytes && size - at >= event_bytes(begin + at),
                             "a frame holds whole events");
                break;
            }
            at += kind == kOther ? event_bytes(begin + at) : kBytes[kind];
            ++n;
        } while (at < size && kind_at(begin + at, size - at) == kind);
        if (kind == kOther) {
            others.bytes.append(frame.bytes.view().subspan(from, at - from));
            others.events += n;
        }
        put_varint(runs, std::uint64_t{n} << kKindBits | kind);
        events += n;
    }
    ALPHA_ASSERT(events == frame.events, "a frame counts its events");
    stored.flush();
    openings.flush();
    closes.flush();
    day_begins.flush();
    day_ends.flush();

    put_varint(out, stored.bars());
    put_varint(out, openings.bars());
    put_varint(out, closes.bars());
    put_varint(out, day_begins.bars());
    put_varint(out, day_ends.bars());
    put_varint(out, runs.size());
    for (const Kind kind : kLanes) {
        put_varint(out, lanes[kind].size());
    }
    put_varint(out, others.events);
    put_varint(out, others.bytes.size());
    put(out, time);
    put(out, interval);
    out.append(runs.view());
    for (const Kind kind : kLanes) {
        out.append(lanes[kind].view());
    }
    if (others.events != 0) {
        to_columns(others, out);
    }
}

namespace {

/// The other events of a frame, which go back to their places.
class Others {
public:
    explicit Others(const Frame& frame) : bytes_(frame.bytes.view()), left_(frame.events) {}

    std::uint64_t left() const { return left_; }
    /// Copies the next `n`, which must be left, to `to`, `at` bytes into their frame; returns how many bytes they are.
    std::size_t get(std::uint64_t n, std::uint8_t* to, std::size_t at, LeafCuts& cuts) {
        left_ -= n;
        std::size_t size = 0;
        for (; n > 0; --n) {
            const std::size_t one = event_bytes(bytes_.data() + size);
            cuts.pass(1, one, at + size);
            size += one;
        }
        std::memcpy(to, bytes_.data(), size);
        bytes_ = bytes_.subspan(size);
        return size;
    }

private:
    Bytes bytes_;
    std::uint64_t left_;
};

}  // namespace

bool from_bar_columns(Bytes columns, std::uint32_t events, std::size_t canonical_bytes, Frame& frame) {
    WireReader in(columns);
    std::array<std::uint64_t, kKinds> counts{};
    std::array<std::uint64_t, kKinds> sizes{};
    std::uint64_t runs_bytes = 0;
    std::uint64_t others_bytes = 0;
    // Nothing here is larger than a u32 can say, so that no sum of it wraps around.
    constexpr std::uint64_t kMost = 0xFFFF'FFFF;
    const auto get = [&](std::uint64_t& number) { return get_varint(in, kMost, number); };
    if (!std::ranges::all_of(kLanes, [&](Kind kind) { return get(counts[kind]); }) || !get(runs_bytes) ||
        !std::ranges::all_of(kLanes, [&](Kind kind) { return get(sizes[kind]); }) || !get(counts[kOther]) ||
        !get(others_bytes)) {
        return false;
    }
    const auto time = in.get<std::uint64_t>();
    const auto interval = in.get<std::uint64_t>();
    WireReader runs(in.take(static_cast<std::size_t>(runs_bytes)));
    std::uint64_t total = others_bytes;
    for (const Kind kind : kLanes) {
        total += counts[kind] * kBytes[kind];
    }
    if (total != canonical_bytes || std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}) != events) {
        return false;
    }
    const auto lane = [&](Kind kind) { return in.take(static_cast<std::size_t>(sizes[kind])); };
    LaneReader<kStored> stored(lane(kStored), counts[kStored]);
    LaneReader<kOpening> openings(lane(kOpening), counts[kOpening]);
    LaneReader<kClose> closes(lane(kClose), counts[kClose]);
    LaneReader<kDayBegins> day_begins(lane(kDayBegins), counts[kDayBegins]);
    LaneReader<kDayEnds> day_ends(lane(kDayEnds), counts[kDayEnds]);
    if (!in.ok()) {
        return false;
    }
    thread_local Frame rest;  // kept from frame to frame: its size settles after the first
    rest.begin(0);
    const Bytes rest_columns = in.take(in.left());
    if (counts[kOther] == 0 ? !rest_columns.empty() || others_bytes != 0
                            : !from_columns(rest_columns, static_cast<std::uint32_t>(counts[kOther]),
                                            static_cast<std::size_t>(others_bytes), rest)) {
        return false;
    }
    Others others(rest);

    frame.bytes.resize(canonical_bytes);
    frame.events = events;
    frame.leaf_cuts.clear();
    LeafCuts cuts(frame);
    Foretold foretold(time, interval);
    std::size_t at = 0;
    std::uint64_t last_kind = kKinds;
    while (runs.left() > 0) {
        std::uint64_t run = 0;
        if (!get_varint(runs, kMost << kKindBits, run)) {
            return false;
        }
        const std::uint64_t kind_number = run & ((1U << kKindBits) - 1);
        const std::uint64_t n = run >> kKindBits;
        if (n == 0 || kind_number >= kKinds || kind_number == last_kind) {
            return false;
        }
        last_kind = kind_number;
        const auto kind = static_cast<Kind>(kind_number);
        std::uint8_t* const to = frame.bytes.data() + at;
        if (kind == kOther) {
            if (n > others.left()) {
                return false;
            }
            at += others.get(n, to, at, cuts);
            continue;
        }
        // What is left of the frame has room for what is left of each kind: together they add up to it.
        const auto get_bars = [&](auto& reader) { return n <= reader.left() && reader.get(n, to, foretold); };
        const bool good = kind == kStored      ? get_bars(stored)
                          : kind == kOpening   ? get_bars(openings)
                          : kind == kClose     ? get_bars(closes)
                          : kind == kDayBegins ? get_bars(day_begins)
                                               : get_bars(day_ends);
        if (!good) {
            return false;
        }
        cuts.pass(n, kBytes[kind], at);
        at += static_cast<std::size_t>(n) * kBytes[kind];
    }
    return at == canonical_bytes && others.left() == 0 && stored.at_end() && openings.at_end() && closes.at_end() &&
           day_begins.at_end() && day_ends.at_end();
}

}  // namespace alpha
