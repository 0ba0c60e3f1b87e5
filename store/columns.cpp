#include "store/columns.hpp"

#include "store/frame_walk.hpp"
#include "store/wire.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace alpha {

namespace {

constexpr std::size_t kBlockQuotes = 512;  // a block's columns stay in the L1 cache
constexpr std::size_t kSlots = 1024;       // instruments of one frame that have a predecessor of their own
constexpr std::size_t kColumns = 5;        // time, bid, ask, bid quantity, ask quantity
constexpr std::size_t kShapeBytes = 4;
constexpr std::uint64_t kMaxRun = 0xFFFF'FFFF;
constexpr std::size_t kBlockHeadBytes = 8 + 1 + kColumns * kShapeBytes;

constexpr std::size_t kQuotePayloadBytes = 36;
constexpr std::size_t kQuoteBytes = kHeaderBytes + kQuotePayloadBytes;
constexpr std::uint64_t kQuoteStart = plain_start(kQuotePayloadBytes, QuoteTick::tag, 1);
static_assert(QuoteTick::tag == 3, "the columns' format names the tag");

constexpr std::uint64_t width_mask(std::size_t bytes) {
    return bytes == 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * bytes)) - 1;
}

/// Between one byte and the widest, for values that are neither small nor the largest of their
/// block.
constexpr std::size_t middle_width(std::size_t widest) {
    return (widest + 2) / 2;
}

/// 10^k with what divides by it exactly, without a division: v / 10^k = (v * 5^-k) / 2^k modulo
/// 2^64.
struct PowerOfTen {
    std::uint64_t value = 1;
    std::uint64_t inverse_of_five = 1;
};
constexpr std::size_t kMaxExponent = 12;
constexpr auto kPowers = [] {
    std::array<PowerOfTen, kMaxExponent + 1> powers{};
    constexpr std::uint64_t kInverseOf5 = 0xCCCC'CCCC'CCCC'CCCD;
    static_assert(kInverseOf5 * 5 == 1);
    for (std::size_t k = 1; k < powers.size(); ++k) {
        powers[k] = {powers[k - 1].value * 10, powers[k - 1].inverse_of_five * kInverseOf5};
    }
    return powers;
}();

/// v / 10^k as a signed number when that is whole; otherwise something whose product with 10^k is
/// not v.
std::uint64_t divide_exactly(std::uint64_t v, std::size_t k) {
    return static_cast<std::uint64_t>(static_cast<std::int64_t>(v * kPowers[k].inverse_of_five) >> k);
}

struct Last {
    std::array<std::uint64_t, kColumns - 1> values{};
};

/// One block on its way from or to bytes: instruments, and the differences column by column.
struct Block {
    std::array<std::uint32_t, kBlockQuotes> instruments;
    std::array<std::array<std::uint64_t, kBlockQuotes>, kColumns> columns;
};

// ---- writing ----------------------------------------------------------------------------------------------------------

/// Replaces differences by what is stored of them, zigzag(v / 10^k), for the largest k that suits
/// all; returns k. `all` becomes the bitwise or of the results.
std::size_t scale_down(std::uint64_t* values, std::size_t n, std::uint64_t& all) {
    std::size_t k = kMaxExponent;
    std::array<std::uint64_t, kBlockQuotes> scaled;
    for (std::size_t i = 0; i < n;) {
        const std::uint64_t value = values[i];
        const std::uint64_t quotient = divide_exactly(value, k);
        if (quotient * kPowers[k].value != value) [[unlikely]] {
            // Begins anew with the next lower power that suits this value; 10^0 suits every one.
            do {
                --k;
            } while (divide_exactly(value, k) * kPowers[k].value != value);
            all = 0;
            i = 0;
            continue;
        }
        scaled[i] = zigzag(quotient);
        all |= scaled[i];
        ++i;
    }
    std::copy_n(scaled.begin(), n, values);
    return k;
}

/// Writes one column's codes and data at `to` and its shape at `shape`; returns the end. Requires 9
/// bytes a value at `to`.
std::uint8_t* put_column(std::uint64_t* values, std::size_t n, std::uint8_t* shape, std::uint8_t* to) {
    std::uint64_t all = 0;
    const std::size_t exponent = scale_down(values, n, all);
    const std::size_t widest = std::max<std::size_t>(1, (static_cast<std::size_t>(std::bit_width(all)) + 7) / 8);
    const std::array<std::size_t, 4> widths{0, 1, middle_width(widest), widest};
    const std::uint64_t middle_mask = width_mask(widths[2]);

    const std::size_t groups = (n + 3) / 4;
    std::uint8_t* data = to + groups;
    std::uint8_t* const data_begin = data;
    const auto code_of = [&](std::uint64_t value) {
        const unsigned code = static_cast<unsigned>(value != 0) + static_cast<unsigned>(value > 0xFF) +
                              static_cast<unsigned>(value > middle_mask);
        store(data, value);
        data += widths[code];
        return code;
    };
    std::size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        unsigned codes = code_of(values[i]);
        codes |= code_of(values[i + 1]) << 2U;
        codes |= code_of(values[i + 2]) << 4U;
        codes |= code_of(values[i + 3]) << 6U;
        *to++ = static_cast<std::uint8_t>(codes);
    }
    if (i < n) {
        unsigned codes = 0;
        for (unsigned shift = 0; i < n; ++i, shift += 2) {
            codes |= code_of(values[i]) << shift;
        }
        *to++ = static_cast<std::uint8_t>(codes);
    }
    shape[0] = static_cast<std::uint8_t>(exponent);
    shape[1] = static_cast<std::uint8_t>(widest);
    store(shape + 2, static_cast<std::uint16_t>(data - data_begin));
    return data;
}

class BlockWriter {
public:
    explicit BlockWriter(ByteBuffer& out) : out_(out) {}

    /// Takes one plain quote's canonical bytes.
    void add(const std::uint8_t* quote) {
        const auto time = load<std::uint64_t>(quote + 8);
        const auto instrument = load<std::uint32_t>(quote + kHeaderBytes);
        if (size_ == 0) {
            // The time before the block's first is chosen so that the first difference is zero.
            time_before_ = time;
            time_ = time;
        }
        Last& last = last_[instrument % kSlots];
        block_.instruments[size_] = instrument;
        widest_instrument_ |= instrument;
        block_.columns[0][size_] = time - time_;
        time_ = time;
        for (std::size_t c = 0; c < last.values.size(); ++c) {
            const auto value = load<std::uint64_t>(quote + kHeaderBytes + 4 + 8 * c);
            block_.columns[c + 1][size_] = value - last.values[c];
            last.values[c] = value;
        }
        if (++size_ == kBlockQuotes) {
            flush();
        }
    }

    void flush() {
        if (size_ == 0) {
            return;
        }
        const std::size_t width =
            std::max<std::size_t>(1, (static_cast<std::size_t>(std::bit_width(widest_instrument_)) + 7) / 8);
        const std::size_t begin = out_.size();
        const std::size_t room = kBlockHeadBytes + size_ * (sizeof(std::uint32_t) + 9 * kColumns) + kColumnPadding;
        std::uint8_t* const head = out_.extend(room);
        store(head, time_before_);
        head[8] = static_cast<std::uint8_t>(width);
        std::uint8_t* to = head + kBlockHeadBytes;
        for (std::size_t i = 0; i < size_; ++i) {
            store(to, block_.instruments[i]);
            to += width;
        }
        for (std::size_t c = 0; c < kColumns; ++c) {
            to = put_column(block_.columns[c].data(), size_, head + 9 + c * kShapeBytes, to);
        }
        out_.resize(begin + static_cast<std::size_t>(to - head));
        size_ = 0;
        widest_instrument_ = 0;
    }

private:
    ByteBuffer& out_;
    std::array<Last, kSlots> last_{};
    Block block_;  // its first size_ rows are meant
    std::size_t size_ = 0;
    std::uint64_t time_ = 0;
    std::uint64_t time_before_ = 0;
    std::uint32_t widest_instrument_ = 0;
};

// ---- reading ----------------------------------------------------------------------------------------------------------

/// Reads one column of `n` values from `codes` and `data`. False when the data does not end where
/// it should. Reads up to 32 bytes past the end of the data.
bool get_column(const std::uint8_t* codes, Bytes data, std::size_t exponent, std::size_t widest, std::size_t n,
                std::uint64_t* values) {
    const std::array<std::size_t, 4> widths{0, 1, middle_width(widest), widest};
    const std::array<std::uint64_t, 4> masks{0, 0xFF, width_mask(widths[2]), width_mask(widest)};
    const std::uint64_t power = kPowers[exponent].value;
    const std::uint8_t* at = data.data();
    const std::uint8_t* const end = at + data.size();
    const auto value_of = [&](unsigned code) {
        const std::uint64_t stored = load<std::uint64_t>(at) & masks[code];
        at += widths[code];
        return unzigzag(stored) * power;
    };
    for (std::size_t i = 0; i < n; i += 4) {
        const unsigned group = *codes++;
        values[i] = value_of(group & 3U);
        values[i + 1] = value_of(group >> 2U & 3U);
        values[i + 2] = value_of(group >> 4U & 3U);
        values[i + 3] = value_of(group >> 6U);
        if (at > end) {
            return false;
        }
    }
    const bool unused_codes_are_zero = n % 4 == 0 || codes[-1] >> (2 * (n % 4)) == 0;
    return at == end && unused_codes_are_zero;
}

class BlockReader {
public:
    /// `quotes` in all stand in `blocks`, which kColumnPadding readable bytes follow.
    BlockReader(Bytes blocks, std::uint64_t quotes) : in_(blocks), to_come_(quotes) {}

    /// Writes the next `n` quotes at `to`. False when there are not as many or the bytes are not
    /// those of blocks.
    bool get(std::uint64_t n, std::uint8_t* to) {
        while (n > 0) {
            if (at_ == size_ && !next_block()) {
                return false;
            }
            const std::size_t end = at_ + static_cast<std::size_t>(std::min<std::uint64_t>(n, size_ - at_));
            n -= end - at_;
            for (; at_ < end; ++at_, to += kQuoteBytes) {
                put_quote(to);
            }
        }
        return true;
    }
    bool at_end() const { return at_ == size_ && to_come_ == 0 && in_.left() == 0; }

private:
    void put_quote(std::uint8_t* to) {
        const std::uint32_t instrument = block_.instruments[at_];
        Last& last = last_[instrument % kSlots];
        time_ += block_.columns[0][at_];
        store(to, kQuoteStart);
        store(to + 8, time_);
        store(to + kHeaderBytes, instrument);
        for (std::size_t c = 0; c < last.values.size(); ++c) {
            last.values[c] += block_.columns[c + 1][at_];
            store(to + kHeaderBytes + 4 + 8 * c, last.values[c]);
        }
    }

    bool next_block() {
        at_ = 0;
        size_ = static_cast<std::size_t>(std::min<std::uint64_t>(to_come_, kBlockQuotes));
        to_come_ -= size_;
        time_ = in_.get<std::uint64_t>();
        const std::size_t width = in_.get<std::uint8_t>();
        const Bytes shapes = in_.take(kColumns * kShapeBytes);
        if (size_ == 0 || width < 1 || width > sizeof(std::uint32_t)) {
            return false;
        }
        const Bytes ids = in_.take(size_ * width);
        if (!in_.ok()) {
            return false;
        }
        const auto mask = static_cast<std::uint32_t>(width_mask(width));
        for (std::size_t i = 0; i < size_; ++i) {
            block_.instruments[i] = load<std::uint32_t>(ids.data() + i * width) & mask;
        }
        for (std::size_t c = 0; c < kColumns; ++c) {
            const std::uint8_t* const shape = shapes.data() + c * kShapeBytes;
            const std::size_t exponent = shape[0];
            const std::size_t widest = shape[1];
            const Bytes codes = in_.take((size_ + 3) / 4);
            const Bytes data = in_.take(load<std::uint16_t>(shape + 2));
            if (!in_.ok() || exponent > kMaxExponent || widest < 1 || widest > 8 ||
                !get_column(codes.data(), data, exponent, widest, size_, block_.columns[c].data())) {
                return false;
            }
        }
        return true;
    }

    WireReader in_;
    std::uint64_t to_come_;
    std::array<Last, kSlots> last_{};
    Block block_;  // its first size_ rows are meant
    std::size_t size_ = 0;
    std::size_t at_ = 0;
    std::uint64_t time_ = 0;
};

}  // namespace

void to_columns(const Frame& frame, ByteBuffer& out) {
    // Kept from frame to frame: their size settles after the first.
    thread_local ByteBuffer runs;
    thread_local ByteBuffer others;
    thread_local ByteBuffer blocks;
    runs.clear();
    others.clear();
    blocks.clear();
    BlockWriter writer(blocks);

    const std::uint8_t* const begin = frame.bytes.data();
    const std::size_t size = frame.bytes.size();
    const auto is_quote_at = [&](std::size_t at) {
        return size - at >= kQuoteBytes && load<std::uint64_t>(begin + at) == kQuoteStart;
    };
    std::uint32_t quotes = 0;
    std::uint32_t events = 0;
    for (std::size_t at = 0; at < size;) {
        std::uint32_t quote_run = 0;
        for (; is_quote_at(at); at += kQuoteBytes) {
            writer.add(begin + at);
            ++quote_run;
        }
        const std::size_t others_begin = at;
        std::uint32_t other_run = 0;
        while (at < size && !is_quote_at(at)) {
            ALPHA_ASSERT(size - at >= kHeaderBytes && size - at >= event_bytes(begin + at),
                         "a frame holds whole events");
            at += event_bytes(begin + at);
            ++other_run;
        }
        others.append(frame.bytes.view().subspan(others_begin, at - others_begin));
        put_varint(runs, quote_run);
        put_varint(runs, other_run);
        quotes += quote_run;
        events += quote_run + other_run;
    }
    ALPHA_ASSERT(events == frame.events, "a frame counts its events");
    writer.flush();

    put(out, quotes);
    put(out, static_cast<std::uint32_t>(runs.size()));
    put(out, static_cast<std::uint32_t>(others.size()));
    out.append(runs.view());
    out.append(others.view());
    out.append(blocks.view());
}

bool from_columns(Bytes columns, std::uint32_t events, std::size_t canonical_bytes, Frame& frame) {
    WireReader in(columns);
    const std::uint64_t quotes = in.get<std::uint32_t>();
    const std::size_t runs_bytes = in.get<std::uint32_t>();
    const std::size_t others_bytes = in.get<std::uint32_t>();
    WireReader runs(in.take(runs_bytes));
    const Bytes others = in.take(others_bytes);
    if (!in.ok() || quotes > events || quotes * kQuoteBytes + others_bytes != canonical_bytes) {
        return false;
    }
    BlockReader blocks(in.take(in.left()), quotes);

    frame.bytes.resize(canonical_bytes);
    frame.events = events;
    frame.leaf_cuts.clear();
    LeafCuts cuts(frame);
    std::uint64_t quotes_left = quotes;
    std::uint64_t events_left = events;
    std::size_t others_at = 0;
    std::size_t to = 0;
    while (runs.left() > 0) {
        std::uint64_t quote_run = 0;
        std::uint64_t other_run = 0;
        if (!get_varint(runs, kMaxRun, quote_run) || !get_varint(runs, kMaxRun, other_run) ||
            quote_run + other_run == 0 || quote_run > quotes_left || quote_run + other_run > events_left) {
            return false;
        }
        quotes_left -= quote_run;
        events_left -= quote_run + other_run;
        // What is left of the frame has room for the quotes left: the two sections add up to it.
        if (!blocks.get(quote_run, frame.bytes.data() + to)) {
            return false;
        }
        cuts.pass(quote_run, kQuoteBytes, to);
        to += static_cast<std::size_t>(quote_run) * kQuoteBytes;

        const std::size_t others_begin = others_at;
        for (; other_run > 0; --other_run) {
            const std::size_t left = others.size() - others_at;
            if (left < kHeaderBytes) {
                return false;
            }
            const std::size_t size = event_bytes(others.data() + others_at);
            if (size > left || size > kHeaderBytes + kLinkBytes + limits::kMaxEventBytes) {
                return false;
            }
            cuts.pass(1, size, to + (others_at - others_begin));
            others_at += size;
        }
        const std::size_t copied = others_at - others_begin;
        if (copied != 0) {
            std::memcpy(frame.bytes.data() + to, others.data() + others_begin, copied);
            to += copied;
        }
    }
    return events_left == 0 && quotes_left == 0 && others_at == others.size() && blocks.at_end();
}

}  // namespace alpha
