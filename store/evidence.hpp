#pragma once
/// Evidence: the raw bytes of what a broker outside said, such as a row of its book or the body of an answer. They lie beside the log and
/// never in it (docs/decisions/0028): they hold more than anybody decides by, and they can be forgotten. The event they belong to says
/// their hash in its field "evidence".
///
/// Who keeps some does it so:
///   std::string bytes = kept_evidence(row, kMaxEvidenceRowBytes);
///   event.evidence = evidence_of(bytes);
///   batch.evidence.push_back({seq, std::move(bytes)});

#include "events/event.hpp"
#include "events/result.hpp"

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>

namespace alpha {

/// What is kept of one row, and of the body of one answer. The second is the most of any.
inline constexpr std::size_t kMaxEvidenceRowBytes = 8U << 10U;
inline constexpr std::size_t kMaxEvidenceBodyBytes = 64U << 10U;
/// Stands where the rest was cut off.
inline constexpr std::string_view kEvidenceCut = "[cut]";
/// Digits that an event says for each piece of its evidence, in the order of their numbers.
inline constexpr std::size_t kEvidenceDigits = 16;

/// JSON with "" in place of the value of every field that names a person or opens an account: of whatever kind it is, wherever it stands,
/// and however the field's name is written (case, `_`, `-` and escapes). All other bytes stay as they are. From the first byte on that is
/// no JSON the rest is cut off, for nobody can tell what it is. JSON within a text is text. O(length).
std::string blanked(std::string_view json);

/// What is kept of JSON that came from outside: blanked, and cut at `bytes_max`, which is more than the mark of a cut.
std::string kept_evidence(std::string_view json, std::size_t bytes_max);

/// The first 8 bytes of the SHA-256, in 16 hexadecimal digits.
std::string evidence_of(std::string_view bytes);

/// Refuses (kind data) bytes that are not what an event says of its piece of that number.
Result<void> check_evidence(std::string_view said, std::uint8_t number, std::string_view bytes);

/// Finds the field "evidence" in the description of an event.
class EvidenceField {
public:
    template <class... Ts>
    void operator()(Named<Ts>... fields) {
        (look_at(fields), ...);
    }
    const std::string& said() const { return said_; }

private:
    template <class T>
    void look_at(Named<T> field) {
        if constexpr (std::same_as<T, std::string>) {
            if (std::string_view(field.name) == "evidence") {
                said_ = field.value;
            }
        }
    }
    std::string said_;
};

/// What the event says of its evidence; empty where it says nothing.
template <class E>
std::string evidence_said(const E& event) {
    EvidenceField field;
    // serialize is one function for reading and writing; this one only reads.
    const_cast<E&>(event).serialize(field);
    return field.said();
}
std::string evidence_said(const Event& event);

}  // namespace alpha
