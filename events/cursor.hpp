#pragma once
/// Fields as flat little-endian bytes: how each is laid out and which values it may have, and the two cursors that write and read them.
/// What brokers, strategies and rows keep is written with these; events and snapshots as well, by way of events/archive.hpp.

#include "events/bytes.hpp"
#include "events/event.hpp"

#include <bit>
#include <concepts>
#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace alpha {

static_assert(std::endian::native == std::endian::little, "canonical bytes are written as the machine holds them");

// ---- fields of fixed size: how each is laid out, and which values it may have ----------------------------------------

template <class T>
concept PlainNumber = std::integral<T> && !std::same_as<T, bool>;

// clang-format off
constexpr bool is_valid(InstrumentKind v) { return v >= InstrumentKind::share && v <= InstrumentKind::other; }
constexpr bool is_valid(OrderType v) { return v >= OrderType::market && v <= OrderType::stop_limit; }
constexpr bool is_valid(TimeInForce v) { return v >= TimeInForce::day && v <= TimeInForce::ioc; }
constexpr bool is_valid(Direction v) { return v >= Direction::flat && v <= Direction::shorten; }
constexpr bool is_valid(Rule v) { return static_cast<std::size_t>(v) < kRules; }
constexpr bool is_valid(LatchScope v) { return v <= LatchScope::all; }
constexpr bool is_valid(LatchEnd v) { return v >= LatchEnd::trading_day && v <= LatchEnd::released; }
constexpr bool is_valid(ReportKind v) { return v >= ReportKind::accepted && v <= ReportKind::modify_rejected; }
// clang-format on

template <class T>
struct Layout;  // size, put, get (false: a value it cannot have)

template <class Rep>
struct RawLayout {
    static constexpr std::size_t size = sizeof(Rep);
    static void put(std::uint8_t* to, Rep value) { std::memcpy(to, &value, sizeof value); }
    static Rep get(const std::uint8_t* from) {
        Rep value;
        std::memcpy(&value, from, sizeof value);
        return value;
    }
};

template <PlainNumber T>
struct Layout<T> : RawLayout<T> {
    static bool get(const std::uint8_t* from, T& value) {
        value = RawLayout<T>::get(from);
        return true;
    }
};
template <>
struct Layout<bool> {
    static constexpr std::size_t size = 1;
    static void put(std::uint8_t* to, bool value) { *to = value ? 1 : 0; }
    static bool get(const std::uint8_t* from, bool& value) {
        value = *from == 1;
        return *from <= 1;
    }
};
template <class T>
    requires std::is_enum_v<T>
struct Layout<T> : RawLayout<T> {
    static bool get(const std::uint8_t* from, T& value) {
        const auto raw = RawLayout<std::underlying_type_t<T>>::get(from);
        value = static_cast<T>(raw);
        return is_valid(value);
    }
};
/// A byte: 0 for nothing, else the value's number plus one.
template <class T>
    requires std::is_enum_v<T>
struct Layout<std::optional<T>> : RawLayout<std::uint8_t> {
    static void put(std::uint8_t* to, std::optional<T> value) {
        RawLayout<std::uint8_t>::put(to, value ? static_cast<std::uint8_t>(static_cast<unsigned>(*value) + 1U)
                                               : std::uint8_t{0});
    }
    static bool get(const std::uint8_t* from, std::optional<T>& value) {
        const std::uint8_t raw = RawLayout<std::uint8_t>::get(from);
        value = raw == 0 ? std::nullopt : std::optional(static_cast<T>(raw - 1));
        return !value || is_valid(*value);
    }
};
#define ALPHA_LAYOUT_MEMBER(TYPE, MEMBER)                                                                              \
    template <>                                                                                                        \
    struct Layout<TYPE> : RawLayout<decltype(TYPE::MEMBER)> {                                                          \
        using Raw = RawLayout<decltype(TYPE::MEMBER)>;                                                                 \
        static void put(std::uint8_t* to, TYPE value) {                                                                \
            Raw::put(to, value.MEMBER);                                                                                \
        }                                                                                                              \
        static bool get(const std::uint8_t* from, TYPE& value) {                                                       \
            value.MEMBER = Raw::get(from);                                                                             \
            return true;                                                                                               \
        }                                                                                                              \
    }
ALPHA_LAYOUT_MEMBER(Price, raw);
ALPHA_LAYOUT_MEMBER(Qty, raw);
ALPHA_LAYOUT_MEMBER(Volume, raw);
ALPHA_LAYOUT_MEMBER(Money, raw);
ALPHA_LAYOUT_MEMBER(Decimal, raw);
ALPHA_LAYOUT_MEMBER(Time, ns);
ALPHA_LAYOUT_MEMBER(Duration, ns);
ALPHA_LAYOUT_MEMBER(Date, days);
#undef ALPHA_LAYOUT_MEMBER
template <class Tag, class Rep>
struct Layout<Id<Tag, Rep>> : RawLayout<Rep> {
    static void put(std::uint8_t* to, Id<Tag, Rep> id) { RawLayout<Rep>::put(to, id.value); }
    static bool get(const std::uint8_t* from, Id<Tag, Rep>& id) {
        id.value = RawLayout<Rep>::get(from);
        return true;
    }
};

template <class T>
concept FixedField = requires { Layout<T>::size; };
/// A struct that stands in events with a version and length of its own:
///
///   u8 version | u8 oldest version whose reader can skip what is newer | u32 bytes of fields | fields
template <class T>
concept VersionedStruct = requires { T::struct_version; };
template <class T>
struct Unnamed {
    using type = T;
};
template <class T>
struct Unnamed<Named<T>> {
    using type = T;
};
template <class T>
using unnamed_t = std::remove_cv_t<typename Unnamed<std::remove_cvref_t<T>>::type>;
template <class T>
inline constexpr bool is_named = false;
template <class T>
inline constexpr bool is_named<Named<T>> = true;
template <class T>
concept CursorField = FixedField<T> || VersionedStruct<T> || std::same_as<T, std::string>;
/// The field itself, with or without its name.
template <class T>
[[gnu::always_inline]] inline auto& value_of(T& field) {
    if constexpr (is_named<std::remove_cv_t<T>>) {
        return field.value;
    } else {
        return field;
    }
}

// ---- the cursors ------------------------------------------------------------------------------------------------------

/// What is neither of fixed size, nor a text, nor a struct with a version: events/archive.hpp.
class OutCursor;
class InCursor;
template <class T>
void write_with_cereal(OutCursor& out, const T& field);
template <class T>
void read_with_cereal(InCursor& in, T& field);

/// Appends fields to a buffer. What is handed over together costs one bounds check and one pointer update.
class OutCursor {
public:
    explicit OutCursor(ByteBuffer& out) : out_(out) {}

    template <class... Ts>
    [[gnu::always_inline]] inline OutCursor& operator()(Ts&&... fields) {
        if constexpr ((FixedField<unnamed_t<Ts>> && ...)) {
            std::uint8_t* at = out_.extend((Layout<unnamed_t<Ts>>::size + ... + 0));
            ((Layout<unnamed_t<Ts>>::put(at, value_of(fields)), at += Layout<unnamed_t<Ts>>::size), ...);
        } else {
            (one(value_of(fields)), ...);
        }
        return *this;
    }
    void count(std::size_t n) { (*this)(static_cast<std::uint32_t>(n)); }
    template <VersionedStruct T>
    void nested(const T& object) {
        (*this)(T::struct_version, T::struct_version, std::uint32_t{0});
        const std::size_t start = out_.size();
        const_cast<T&>(object).serialize(*this);  // one serialize for both directions; writing only reads
        const auto length = static_cast<std::uint32_t>(out_.size() - start);
        std::memcpy(out_.data() + start - sizeof length, &length, sizeof length);
    }
    void raw(const void* from, std::size_t n) {
        if (n != 0) {
            std::memcpy(out_.extend(n), from, n);
        }
    }

private:
    template <class T>
    void one(const T& field) {
        if constexpr (FixedField<T>) {
            (*this)(field);
        } else if constexpr (VersionedStruct<T>) {
            nested(field);
        } else if constexpr (std::same_as<T, std::string>) {
            count(field.size());
            raw(field.data(), field.size());
        } else {
            write_with_cereal(*this, field);
        }
    }
    ByteBuffer& out_;
};

/// Never throws and never reads beyond its bytes: the first thing wrong makes ok() false and leaves nothing to read.
class InCursor {
public:
    /// Bytes of the current version of what they hold.
    explicit InCursor(Bytes in) : InCursor(in, kNewest, false) {}
    /// Of `version`; `bare`: structs stand in it without a version and length of their own, as they did at first.
    InCursor(Bytes in, std::uint8_t version, bool bare)
        : at_(in.data()), end_(in.data() + in.size()), version_(version), bare_(bare) {}

    template <class... Ts>
    [[gnu::always_inline]] inline InCursor& operator()(Ts&&... fields) {
        if constexpr ((FixedField<unnamed_t<Ts>> && ...)) {
            constexpr std::size_t kSize = (Layout<unnamed_t<Ts>>::size + ... + 0);
            if (left() < kSize) [[unlikely]] {
                fail(kFailed | kCutShort);
                return *this;
            }
            const std::uint8_t* at = at_;
            at_ += kSize;
            ((faults_ |= Layout<unnamed_t<Ts>>::get(at, value_of(fields)) ? 0 : kFailed,
              at += Layout<unnamed_t<Ts>>::size),
             ...);
        } else {
            (one(value_of(fields)), ...);
        }
        return *this;
    }
    /// A list's length; refused when fewer than `element_bytes` for each are left, so nothing large is allocated for a lie.
    std::size_t count(std::size_t element_bytes) {
        std::uint32_t n = 0;
        (*this)(n);
        if (n > left() / element_bytes) {
            fail(kFailed | kCutShort);
            return 0;
        }
        return n;
    }
    template <VersionedStruct T>
    void nested(T& object) {
        if (bare_) {
            const std::uint8_t outer = std::exchange(version_, std::uint8_t{0});
            object.serialize(*this);
            version_ = outer;
            return;
        }
        std::uint8_t version = 0;
        std::uint8_t oldest_reader = 0;
        std::uint32_t bytes = 0;
        (*this)(version, oldest_reader, bytes);
        if (ok() && oldest_reader > T::struct_version) {
            return fail(kFailed | kNewer);
        }
        if (version == 0 || oldest_reader == 0 || oldest_reader > version || bytes > left()) {
            return fail();
        }
        InCursor fields(Bytes(at_, bytes), version, false);
        object.serialize(fields);
        const bool has_more = version <= T::struct_version && fields.left() != 0;
        // A value that is not known here raised the version of the struct that holds it.
        const bool is_newer = fields.is_newer() || (fields.faults_ == kFailed && version > T::struct_version);
        if (!fields.ok() || has_more) {
            return fail(is_newer ? kFailed | kNewer : kFailed);
        }
        at_ += bytes;
    }
    void raw(void* to, std::size_t n) {
        if (left() < n) {
            fail();
            return;
        }
        if (n != 0) {
            std::memcpy(to, at_, n);
        }
        at_ += n;
    }
    std::uint8_t version() const { return version_; }
    /// Whether ok() is false because a newer program wrote this.
    bool is_newer() const { return (faults_ & kNewer) != 0; }
    std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
    bool ok() const { return faults_ == 0; }
    void fail() { fail(kFailed); }
    /// Of values that whoever wrote this cannot have written: fails unless they are `plausible`.
    void require(bool plausible) {
        if (!plausible) {
            fail();
        }
    }

private:
    template <class T>
    void one(T& field) {
        if constexpr (FixedField<T>) {
            (*this)(field);
        } else if constexpr (VersionedStruct<T>) {
            nested(field);
        } else if constexpr (std::same_as<T, std::string>) {
            field.resize(count(1));
            raw(field.data(), field.size());
        } else {
            read_with_cereal(*this, field);
        }
    }
    void fail(unsigned how) {
        faults_ |= how;
        at_ = end_;
    }

    static constexpr std::uint8_t kNewest = 0xFF;
    static constexpr unsigned kFailed = 1;
    static constexpr unsigned kCutShort = 2;
    static constexpr unsigned kNewer = 4;

    const std::uint8_t* at_;
    const std::uint8_t* end_;
    std::uint8_t version_;
    bool bare_;
    unsigned faults_ = 0;
};

}  // namespace alpha
