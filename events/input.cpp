#include "events/input.hpp"

#include <type_traits>

namespace alpha {

namespace {

/// The event that an input of this type becomes: itself, or the one it names; void: none that it could be found in again.
template <class T>
struct RecordOf {
    using Type = typename T::Record;
};
template <class T>
    requires is_alternative<T, Event>
struct RecordOf<T> {
    using Type = T;
};

template <class T, class E>
void find(const Envelope& envelope, const E& event, std::optional<Input>& found) {
    if constexpr (std::same_as<T, E>) {
        found = event;
    } else if constexpr (std::same_as<typename RecordOf<T>::Type, E>) {
        found = T::of(envelope, event);
    }
}

template <class E, class... Ts>
std::optional<Input> find_among(const Envelope& envelope, const E& event, std::type_identity<std::variant<Ts...>>) {
    static_assert((0 + ... + std::same_as<typename RecordOf<Ts>::Type, E>) <= 1, "the record of one input alone");
    std::optional<Input> found;
    (find<Ts>(envelope, event, found), ...);
    return found;
}

}  // namespace

std::optional<Input> input_of(const Envelope& envelope, const Event& event) {
    return std::visit([&](const auto& e) { return find_among(envelope, e, std::type_identity<Input>{}); }, event);
}

bool is_between_records(const Input& input) {
    return std::visit([]<class T>(const T&) { return is_alternative<T, RequestInput> || is_alternative<T, WordInput>; },
                      input);
}

}  // namespace alpha
