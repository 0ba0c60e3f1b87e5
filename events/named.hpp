#pragma once
/// A field with its name: the one description of a payload, from which bytes, text and JSON are written. And how a description
/// grows: a new field stands behind `since`, so that bytes written before it are read without it.

#include <cstdint>

namespace alpha {

template <class T>
struct Named {
    const char* name;
    T& value;
};

template <class T>
constexpr Named<T> named(const char* name, T& value) {
    return {name, value};
}

/// Fields that came with `version` of the event or struct that holds them. Bytes of an older version leave them as they are.
template <class Ar, class... Ts>
[[gnu::always_inline]] inline void since(Ar& ar, std::uint8_t version, Named<Ts>... fields) {
    if constexpr (requires { ar.version(); }) {
        if (ar.version() < version) {
            return;
        }
    }
    ar(fields...);
}

/// A struct whose fields read as those of the event that holds it; its bytes have their own version and length all the same.
template <class Ar, class T>
[[gnu::always_inline]] inline void inlined(Ar& ar, T& object) {
    if constexpr (requires { ar.nested(object); }) {
        ar.nested(object);
    } else {
        object.serialize(ar);
    }
}

}  // namespace alpha
