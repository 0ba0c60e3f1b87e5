#include "store/chain.hpp"

#include <new>
#include <openssl/evp.h>

namespace alpha {

namespace {

struct FreeMd {
    void operator()(EVP_MD* md) const { EVP_MD_free(md); }
};
struct FreeContext {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

/// One SHA-256 computation, used again and again: OpenSSL looks the algorithm up once and allocates
/// once.
class Sha256 {
public:
    Sha256() : md_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new()) {
        has_memory(md_ != nullptr && context_ != nullptr);
        begin();
    }

    void begin() { has_memory(EVP_DigestInit_ex2(context_.get(), md_.get(), nullptr) == 1); }
    void update(Bytes bytes) { check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size())); }
    /// The digest of all since begin(); begin() must follow before the next update.
    Digest finish() {
        Digest digest;
        check(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr));
        return digest;
    }
    void copy_from(const Sha256& other) { has_memory(EVP_MD_CTX_copy_ex(context_.get(), other.context_.get()) == 1); }

private:
    /// OpenSSL takes its memory without asking the new handler; of what can fail here only memory is not our own mistake.
    static void has_memory(bool has) {
        if (!has) {
            throw std::bad_alloc();
        }
    }
    static void check(int status) { ALPHA_ASSERT(status == 1, "OpenSSL failed to hash"); }

    std::unique_ptr<EVP_MD, FreeMd> md_;
    std::unique_ptr<EVP_MD_CTX, FreeContext> context_;
};

Digest link(Sha256& sha, const Digest& chain, const Digest& leaf) {
    sha.begin();
    sha.update(chain);
    sha.update(leaf);
    return sha.finish();
}

constexpr char kHexDigits[] = "0123456789abcdef";

/// 0..15, or 16 for what is no lower-case hexadecimal digit.
std::size_t hex_value(char c) {
    return std::string_view(kHexDigits).find(c) == std::string_view::npos ? 16 : std::string_view(kHexDigits).find(c);
}

}  // namespace

Digest sha256(Bytes bytes) {
    Sha256 sha;
    sha.update(bytes);
    return sha.finish();
}

Digest chain_link(const Digest& chain, const Digest& leaf) {
    Sha256 sha;
    return link(sha, chain, leaf);
}

std::string to_hex(const Digest& digest) {
    std::string text;
    text.reserve(2 * digest.size());
    for (const std::uint8_t byte : digest) {
        text.push_back(kHexDigits[byte >> 4U]);
        text.push_back(kHexDigits[byte & 0xFU]);
    }
    return text;
}

Result<Digest> digest_from_hex(std::string_view text) {
    Digest digest;
    if (text.size() != 2 * digest.size()) {
        return fail(ErrorKind::data, "A digest has 64 hexadecimal digits, not " + std::to_string(text.size()) + ".");
    }
    for (std::size_t i = 0; i < digest.size(); ++i) {
        const std::size_t high = hex_value(text[2 * i]);
        const std::size_t low = hex_value(text[2 * i + 1]);
        if (high > 15 || low > 15) {
            return fail(ErrorKind::data, "A digest is written in the digits 0-9 and a-f only.");
        }
        digest[i] = static_cast<std::uint8_t>(high << 4U | low);
    }
    return digest;
}

struct ChainHasher::Stream {
    Sha256 leaf;             ///< what has arrived of the present leaf
    mutable Sha256 scratch;  ///< for links and for finishing a copy of the leaf
    Digest chain{};
    Seq next = 0;
    std::vector<Digest>* leaves = nullptr;

    bool leaf_is_empty() const { return next % kLeafEvents == 0; }
    void close_leaf() {
        const Digest full = leaf.finish();
        if (leaves != nullptr) {
            leaves->push_back(full);
        }
        chain = link(scratch, chain, full);
        leaf.begin();
    }
};

ChainHasher::ChainHasher() : stream_(std::make_unique<Stream>()) {}
ChainHasher::~ChainHasher() = default;
ChainHasher::ChainHasher(ChainHasher&&) noexcept = default;
ChainHasher& ChainHasher::operator=(ChainHasher&&) noexcept = default;

void ChainHasher::resume(Seq seq, const Digest& chain) {
    ALPHA_ASSERT(seq % kLeafEvents == 0, "a chain resumes only where a leaf begins");
    stream_->leaf.begin();
    stream_->chain = chain;
    stream_->next = seq;
}

void ChainHasher::append(const Frame& frame) {
    Stream& stream = *stream_;
    // Leaves end before the events 4096, 8192, ... of the log; a frame names the places of those it holds.
    const auto leaves_begun_before = [](Seq seq) { return (seq + kLeafEvents - 1) / kLeafEvents; };
    const Seq cuts = leaves_begun_before(frame.next_seq()) - leaves_begun_before(frame.first_seq) -
                     (frame.first_seq == 0 && frame.events != 0 ? 1 : 0);
    ALPHA_ASSERT(frame.leaf_cuts.size() == cuts, "a frame names every leaf that begins in it");

    const Bytes bytes = frame.bytes.view();
    std::size_t from = 0;
    std::size_t first_cut = 0;
    if (frame.first_seq != stream.next) {
        ALPHA_ASSERT(frame.first_seq < stream.next && stream.next < frame.next_seq() && stream.leaf_is_empty(),
                     "frames are hashed in order, without gaps");
        const Seq begun = leaves_begun_before(frame.first_seq) + (frame.first_seq == 0 ? 1 : 0);
        first_cut = static_cast<std::size_t>(stream.next / kLeafEvents - begun);
        from = frame.leaf_cuts[first_cut];
        ++first_cut;
    }
    for (std::size_t i = first_cut; i < frame.leaf_cuts.size(); ++i) {
        const std::size_t cut = frame.leaf_cuts[i];
        ALPHA_ASSERT(cut >= from && cut <= bytes.size(), "leaf cuts rise and lie within their frame");
        if (cut != 0) {
            stream.leaf.update(bytes.subspan(from, cut - from));
            stream.close_leaf();
            from = cut;
        }
    }
    stream.leaf.update(bytes.subspan(from));
    stream.next = frame.next_seq();
    // A leaf that is full is part of the chain at once, so that chain() may be resumed from.
    if (frame.events != 0 && stream.leaf_is_empty()) {
        stream.close_leaf();
    }
}

Seq ChainHasher::next_seq() const {
    return stream_->next;
}

Digest ChainHasher::chain() const {
    return stream_->chain;
}

Digest ChainHasher::head() const {
    const std::optional<Digest> partial = partial_leaf();
    return partial ? link(stream_->scratch, stream_->chain, *partial) : stream_->chain;
}

std::optional<Digest> ChainHasher::partial_leaf() const {
    if (stream_->leaf_is_empty()) {
        return std::nullopt;
    }
    stream_->scratch.copy_from(stream_->leaf);
    return stream_->scratch.finish();
}

void ChainHasher::keep_leaves(std::vector<Digest>* leaves) {
    stream_->leaves = leaves;
}

}  // namespace alpha
