#include "events/codec.hpp"
#include "events/cursor.hpp"
#include "tests/kernel/support.hpp"
#include "tests/struct_versions.hpp"

#include <optional>
#include <rapidcheck/catch.h>

namespace alpha::test {

namespace {

/// An archive that fills every field it is shown with something arbitrary that the field can hold.
class Filler {
public:
    explicit Filler(std::uint64_t seed) : dice_(seed | 1U) {}

    template <class... Ts>
    void operator()(Named<Ts>... fields) {
        (fill(fields.value), ...);
    }

private:
    /// Small, huge and negative numbers alike.
    std::uint64_t number() { return dice_.next() >> dice_.below(64) ^ (dice_.below(2) == 0 ? 0 : ~std::uint64_t{0}); }

    void fill(std::string& v) {
        v.resize(dice_.below(20));
        for (char& c : v) {
            c = static_cast<char>(dice_.next());
        }
    }
    void fill(Price& v) { v.raw = static_cast<std::int64_t>(number()); }
    void fill(Qty& v) { v.raw = static_cast<std::int64_t>(number()); }
    void fill(Volume& v) { v.raw = static_cast<std::int64_t>(number()); }
    template <class Number>
        requires std::same_as<Number, Money> || std::same_as<Number, Decimal>
    void fill(Number& v) {
        v.raw = static_cast<Int128>((static_cast<UInt128>(number()) << 64U) | static_cast<UInt128>(number()));
    }
    void fill(Duration& v) { v.ns = static_cast<std::int64_t>(number()); }
    void fill(Time& v) { v.ns = static_cast<std::int64_t>(number()); }
    void fill(Date& v) { v.days = static_cast<std::int32_t>(number()); }
    template <class Tag, class Rep>
    void fill(Id<Tag, Rep>& v) {
        v.value = static_cast<Rep>(number());
    }
    template <std::integral T>
    void fill(T& v) {
        v = static_cast<T>(number());
    }
    /// Any value that the enum has.
    template <class T>
        requires std::is_enum_v<T>
    void fill(T& v) {
        do {
            v = static_cast<T>(dice_.below(64));
        } while (!is_valid(v));
    }
    template <class T>
    void fill(std::optional<T>& v) {
        v.reset();
        if (dice_.below(2) == 0) {
            fill(v.emplace());
        }
    }
    void fill(bool& v) { v = dice_.below(2) == 1; }
    template <class T>
    void fill(std::vector<T>& v) {
        v.resize(dice_.below(4));
        for (T& element : v) {
            fill(element);
        }
    }
    template <class T>
        requires requires(T& t, Filler& f) { t.serialize(f); }
    void fill(T& object) {
        object.serialize(*this);
    }

    Dice dice_;
};

std::vector<std::uint8_t> bytes_of(const Envelope& envelope, const Event& event) {
    ByteBuffer out;
    encode(out, envelope, event);
    return {out.view().begin(), out.view().end()};
}

template <class E>
void check_inverse() {
    rc::prop(E::name_v, [] {
        const auto seed = *rc::gen::arbitrary<std::uint64_t>();
        E event;
        Filler filler(seed);
        event.serialize(filler);
        Envelope envelope;
        envelope.seq = 1 + *rc::gen::inRange<std::uint64_t>(0, 1'000'000'000);
        envelope.time = Time{*rc::gen::arbitrary<std::int64_t>()};
        if (*rc::gen::arbitrary<bool>()) {
            envelope.causation = *rc::gen::inRange<std::uint64_t>(0, envelope.seq);
            envelope.correlation = *rc::gen::inRange<std::uint64_t>(0, envelope.causation + 1);
        }
        const auto bytes = bytes_of(envelope, event);
        const auto decoded = decode(bytes, envelope.seq);
        RC_ASSERT(decoded.has_value());
        RC_ASSERT(decoded->bytes == bytes.size());
        RC_ASSERT(decoded->envelope == envelope);
        RC_ASSERT(std::get<E>(decoded->event) == event);
        RC_ASSERT(bytes_of(decoded->envelope, decoded->event) == bytes);
        // Cut anywhere it is refused; damaged anywhere it is refused, or read as what has just these bytes.
        const auto cut = *rc::gen::inRange<std::size_t>(0, bytes.size());
        RC_ASSERT_FALSE(decode(Bytes(bytes).first(cut), envelope.seq).has_value());
        auto damaged = bytes;
        damaged[cut] ^= static_cast<std::uint8_t>(*rc::gen::inRange(1, 256));
        const auto other = decode(damaged, envelope.seq);
        // Byte 6 is the version, and 4 and 5 are the tag: bytes of an older version are written as the current one.
        const auto current = [](const auto& e) { return e.version; };
        if (other && other->bytes == damaged.size() && damaged[6] == std::visit(current, other->event)) {
            RC_ASSERT(same_but_for_versions(bytes_of(other->envelope, other->event), damaged));
        }
    });
}

}  // namespace

TEST_CASE("every event, whatever it holds, reads back as it was written", "[properties]") {
#define ALPHA_CHECK(E) check_inverse<E>();
    ALPHA_EVENTS(ALPHA_CHECK)
#undef ALPHA_CHECK
}

}  // namespace alpha::test
