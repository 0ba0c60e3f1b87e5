#pragma once
/// The hash chain over the log. Independent of framing, compression and storage:
///
///   leaf   = SHA-256 over the canonical bytes of kLeafEvents consecutive events, aligned by sequence
///   chain  = SHA-256(previous chain || leaf), beginning with 32 zero bytes
///   head   = chain, or SHA-256(chain || SHA-256(bytes of the partial leaf)) when the last leaf is not full
///
/// ON DISK AND PUBLISHED, DO NOT CHANGE.

#include "events/codec.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace alpha {

using Digest = std::array<std::uint8_t, 32>;

Digest sha256(Bytes bytes);
/// The chain after one more full leaf; the same for the head where `leaf` is of a partial one.
Digest chain_link(const Digest& chain, const Digest& leaf);
/// Lower-case hexadecimal.
std::string to_hex(const Digest& digest);
Result<Digest> digest_from_hex(std::string_view text);

/// Streams frames into the chain. One owner; not thread-safe.
class ChainHasher {
public:
    ChainHasher();
    ~ChainHasher();
    ChainHasher(ChainHasher&&) noexcept;
    ChainHasher& operator=(ChainHasher&&) noexcept;

    /// Goes on from a full leaf's chain value at `seq`, a multiple of kLeafEvents.
    void resume(Seq seq, const Digest& chain);
    /// Takes what the frame holds from next_seq() on. Requires a frame that begins there; right after resume() it may begin
    /// before.
    void append(const Frame& frame);
    Seq next_seq() const;
    /// The chain after the last full leaf.
    Digest chain() const;
    /// The head now; does not disturb the stream. O(1).
    Digest head() const;
    /// The hash of what has arrived of the leaf that is not full; nothing between two leaves.
    std::optional<Digest> partial_leaf() const;
    /// From now on the hash of each leaf that fills up is added to `leaves` as well; null ends that.
    void keep_leaves(std::vector<Digest>* leaves);

private:
    struct Stream;
    std::unique_ptr<Stream> stream_;
};

}  // namespace alpha
