#pragma once
/// A field with its name: the one description of a payload, from which bytes, text and JSON are written.

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

}  // namespace alpha
