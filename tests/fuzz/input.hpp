#pragma once
/// What the fuzz targets share: values off the front of a fuzzer's bytes. A target's own checks are ALPHA_ASSERTs, which
/// abort; libFuzzer, and run_corpus.cpp in the ordinary build, show the input that led there.

#include "events/bytes.hpp"
#include "events/cursor.hpp"
#include "events/event.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

/// libFuzzer's entry point: every target defines it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace alpha::fuzz {

/// Reads numbers off the front; zeros once the bytes have run out.
class Input {
public:
    explicit Input(Bytes bytes) : rest_(bytes) {}

    bool empty() const { return rest_.empty(); }
    Bytes rest() const { return rest_; }

    template <class T>
        requires std::is_integral_v<T>
    T number() {
        T value{};
        const std::size_t n = std::min(sizeof value, rest_.size());
        if (n != 0) {
            std::memcpy(&value, rest_.data(), n);
        }
        rest_ = rest_.subspan(n);
        return value;
    }
    std::uint8_t byte() { return number<std::uint8_t>(); }
    /// One of 0, 1, ..., n - 1. Requires n > 0.
    std::uint8_t below(unsigned n) { return static_cast<std::uint8_t>(byte() % n); }
    bool flag() { return (byte() & 1U) != 0; }
    template <class E>
        requires std::is_enum_v<E>
    E choice() {
        static constexpr auto is_one = [](unsigned raw) { return is_valid(static_cast<E>(raw)); };
        unsigned first = 0;
        while (!is_one(first)) {
            ++first;
        }
        unsigned end = first;
        while (end < 256 && is_one(end)) {
            ++end;
        }
        return static_cast<E>(first + below(end - first));
    }
    Bytes take(std::size_t n) {
        const Bytes front = rest_.first(std::min(n, rest_.size()));
        rest_ = rest_.subspan(front.size());
        return front;
    }

private:
    Bytes rest_;
};

/// Fills an event's fields by its own serialize, whatever they are.
class Filling {
public:
    explicit Filling(Input& input) : input_(input) {}

    template <class... Ts>
    Filling& operator()(Named<Ts>... fields) {
        (fill(fields.value), ...);
        return *this;
    }

private:
    static constexpr unsigned kLongest = 4;  // elements of a list

    template <class T>
    void fill(T& value) {
        if constexpr (std::is_same_v<T, bool>) {
            value = input_.flag();
        } else if constexpr (std::is_enum_v<T>) {
            value = input_.choice<T>();
        } else if constexpr (std::is_integral_v<T> || std::is_same_v<T, Int128>) {
            value = number<T>();
        } else if constexpr (requires { value.raw; }) {
            fill(value.raw);
        } else if constexpr (requires { value.ns; }) {
            fill(value.ns);
        } else if constexpr (requires { value.days; }) {
            fill(value.days);
        } else if constexpr (requires { value.has_value(); }) {
            value.reset();
            if (input_.flag()) {
                fill(value.emplace());
            }
        } else if constexpr (requires { value.value; }) {
            fill(value.value);
        } else {
            value.serialize(*this);
        }
    }
    void fill(std::string& text) {
        const Bytes bytes = input_.take(input_.byte() % 16);
        text.assign(bytes.begin(), bytes.end());
    }
    template <class T>
    void fill(std::vector<T>& list) {
        list.resize(input_.below(kLongest));
        for (T& element : list) {
            fill(element);
        }
    }
    /// Mostly small, now and then any.
    template <class T>
    T number() {
        const std::uint8_t kind = input_.byte();
        if (kind < 200) {
            return static_cast<T>(kind);
        }
        const auto low = input_.number<std::uint64_t>();
        if constexpr (sizeof(T) > sizeof low) {
            return static_cast<T>(static_cast<UInt128>(input_.number<std::uint64_t>()) << 64U | low);
        } else {
            return static_cast<T>(low);
        }
    }

    Input& input_;
};

inline Event arbitrary_event(Input& input) {
    Event event;
    std::size_t wanted = input.below(std::variant_size_v<Event>);
    const auto make = [&]<class E>(E& made) {
        Filling filling(input);
        made.serialize(filling);
    };
#define ALPHA_MAKE(E)                                                                                                  \
    if (wanted-- == 0) {                                                                                               \
        make(event.emplace<E>());                                                                                      \
        return event;                                                                                                  \
    }
    ALPHA_EVENTS(ALPHA_MAKE)
#undef ALPHA_MAKE
    return event;
}

}  // namespace alpha::fuzz
