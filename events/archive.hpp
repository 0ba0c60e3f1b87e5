#pragma once
/// The canonical archives: cereal's protocol over the cursors of events/cursor.hpp. Included by codec.cpp and kernel/snapshot.cpp alone.

#include "events/cursor.hpp"

#include <cereal/cereal.hpp>
#include <string>
#include <vector>

namespace alpha {

// A cereal archive costs some thirty stores to set up (it carries maps for pointers and class versions). So a payload is
// written and read by a cursor that needs none, and a cereal archive is made only for a list or a struct without a version: cold ones.

class OutArchive : public cereal::OutputArchive<OutArchive, cereal::AllowEmptyClassElision> {
    using Base = cereal::OutputArchive<OutArchive, cereal::AllowEmptyClassElision>;

public:
    explicit OutArchive(OutCursor& cursor) : Base(this), cursor_(cursor) {}

    template <class... Ts>
    OutArchive& operator()(Ts&&... fields) {
        if constexpr ((FixedField<unnamed_t<Ts>> && ...)) {
            cursor_(fields...);
        } else {
            (one(value_of(fields)), ...);
        }
        return *this;
    }
    /// A field of variable size, by cereal's dispatch to its serialize, save or load.
    template <class T>
    void whole(const T& field) {
        Base::operator()(field);
    }
    void count(std::size_t n) { cursor_.count(n); }

private:
    template <class T>
    void one(const T& field) {
        if constexpr (CursorField<T>) {
            cursor_(field);
        } else {
            whole(field);
        }
    }
    OutCursor& cursor_;
};

class InArchive : public cereal::InputArchive<InArchive, cereal::AllowEmptyClassElision> {
    using Base = cereal::InputArchive<InArchive, cereal::AllowEmptyClassElision>;

public:
    explicit InArchive(InCursor& cursor) : Base(this), cursor_(cursor) {}

    template <class... Ts>
    InArchive& operator()(Ts&&... fields) {
        if constexpr ((FixedField<unnamed_t<Ts>> && ...)) {
            cursor_(fields...);
        } else {
            (one(value_of(fields)), ...);
        }
        return *this;
    }
    template <class T>
    void whole(T& field) {
        Base::operator()(field);
    }
    std::size_t count(std::size_t element_bytes) { return cursor_.count(element_bytes); }
    bool ok() const { return cursor_.ok(); }
    std::uint8_t version() const { return cursor_.version(); }

private:
    template <class T>
    void one(T& field) {
        if constexpr (CursorField<T>) {
            cursor_(field);
        } else {
            whole(field);
        }
    }
    InCursor& cursor_;
};

template <class T>
void write_with_cereal(OutCursor& out, const T& field) {
    OutArchive(out).whole(field);
}
template <class T>
void read_with_cereal(InCursor& in, T& field) {
    InArchive(in).whole(field);
}

// ---- lists: a u32 count, then the elements ----------------------------------------------

template <class T>
void CEREAL_SAVE_FUNCTION_NAME(OutArchive& ar, const std::vector<T>& list) {
    ar.count(list.size());
    for (const T& element : list) {
        ar(element);
    }
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(InArchive& ar, std::vector<T>& list) {
    list.clear();
    // One byte is the least an element can take: the true bound is checked element by element.
    for (std::size_t n = ar.count(1); n > 0 && ar.ok(); --n) {
        ar(list.emplace_back());
    }
}

}  // namespace alpha
