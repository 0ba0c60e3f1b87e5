#include "store/evidence.hpp"

#include "events/assert.hpp"
#include "store/chain.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>
#include <variant>

namespace alpha {

namespace {

/// Without case, `_` and `-`, as comparable() has them.
constexpr std::array<std::string_view, 15> kBlankedFields{
    "accountid", "placedby",    "userid",      "username", "usershortname", "email",        "phone",    "pan",
    "apikey",    "accesstoken", "publictoken", "enctoken", "refreshtoken",  "requesttoken", "apisecret"};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

constexpr std::string_view kEscapes = R"("\/bfnrt)";  // and u

/// The number of four hexadecimal digits at the front; nothing where there are none.
std::optional<unsigned> four_hex(std::string_view text) {
    const std::string digits(text.substr(0, 4));
    const char* const end = digits.data() + digits.size();
    unsigned value = 0;
    const auto read = std::from_chars(digits.data(), end, value, 16);
    return digits.size() == 4 && read.ec == std::errc() && read.ptr == end ? std::optional(value) : std::nullopt;
}

/// How long the string at the front is, quotes included; 0 where it is none.
std::size_t string_length(std::string_view json) {
    for (std::size_t at = 1; at < json.size(); ++at) {
        const char c = json[at];
        if (c == '"') {
            return at + 1;
        }
        if (static_cast<unsigned char>(c) < 0x20U) {
            return 0;
        }
        if (c == '\\') {
            ++at;
            const std::string_view rest = json.substr(std::min(at, json.size()));
            if (rest.starts_with('u') ? !four_hex(rest.substr(1))
                                      : rest.empty() || kEscapes.find(rest.front()) == std::string_view::npos) {
                return 0;
            }
        }
    }
    return 0;
}

/// How long the number, `true`, `false` or `null` at the front is; 0 where there is none.
std::size_t plain_length(std::string_view json) {
    for (const std::string_view word : {"true", "false", "null"}) {
        if (json.starts_with(word)) {
            return word.size();
        }
    }
    const auto end = std::ranges::find_if_not(
        json, [](char c) { return is_digit(c) || std::string_view("+-.eE").find(c) != std::string_view::npos; });
    const auto length = static_cast<std::size_t>(end - json.begin());
    return is_digit(json.front()) || json.front() == '-' ? length : 0;
}

/// A field's name, without its quotes, as it is compared.
std::string comparable(std::string_view name) {
    std::string out;
    for (std::size_t at = 0; at < name.size(); ++at) {
        char c = name[at];
        if (c == '\\') {
            ++at;
            c = name[at];
            if (c == 'u') {
                const unsigned code = four_hex(name.substr(at + 1)).value_or(0);
                c = code < 0x80U ? static_cast<char>(code) : '?';
                at += 4;
            }
        }
        if (c != '_' && c != '-') {
            out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        }
    }
    return out;
}

bool is_blanked(std::string_view name) {
    return std::ranges::find(kBlankedFields, comparable(name)) != kBlankedFields.end();
}

/// Goes through JSON token by token, without a stack of calls: what comes from outside may be nested as deep as it likes.
class Blanker {
public:
    explicit Blanker(std::string_view json) : json_(json) { out_.reserve(json.size()); }

    std::string run() {
        while (at_ < json_.size()) {
            const std::string_view rest = json_.substr(at_);
            const std::size_t length = is_space(rest.front()) ? space(rest) : token(rest);
            if (length == 0) {
                out_ += kEvidenceCut;
                break;
            }
            at_ += length;
        }
        return std::move(out_);
    }

private:
    enum class Expected : std::uint8_t {
        value,
        value_or_end,  // behind [
        name,
        name_or_end,  // behind {
        colon,
        more_or_end,  // behind a value within something
        nothing       // behind the outermost value
    };

    /// Takes the token at the front and returns its length; 0 where another one, or none, had to stand there.
    std::size_t token(std::string_view rest) {
        const char c = rest.front();
        const bool may_begin_value = expected_ == Expected::value || expected_ == Expected::value_or_end;
        switch (c) {
        case '{':
        case '[': return may_begin_value ? open(c) : 0;
        case '}': return expected_ == Expected::name_or_end || may_end('{') ? close() : 0;
        case ']': return expected_ == Expected::value_or_end || may_end('[') ? close() : 0;
        case ',':
            return expected_ == Expected::more_or_end ? sign(c, open_.back() == '{' ? Expected::name : Expected::value)
                                                      : 0;
        case ':': return expected_ == Expected::colon ? sign(c, Expected::value) : 0;
        default: break;
        }
        const std::size_t length = c == '"' ? string_length(rest) : plain_length(rest);
        if (may_begin_value) {
            return length == 0 ? 0 : value(rest.substr(0, length));
        }
        const bool may_be_name = expected_ == Expected::name || expected_ == Expected::name_or_end;
        return length != 0 && c == '"' && may_be_name ? name(rest.substr(0, length)) : 0;
    }

    std::size_t space(std::string_view rest) {
        emit(rest.substr(0, 1));
        return 1;
    }
    bool may_end(char what) const { return expected_ == Expected::more_or_end && open_.back() == what; }

    void emit(std::string_view text) {
        if (!blanked_depth_) {
            out_ += text;
        }
    }
    std::size_t sign(char c, Expected next) {
        emit({&c, 1});
        expected_ = next;
        return 1;
    }
    std::size_t name(std::string_view text) {
        emit(text);
        blanks_ = is_blanked(text.substr(1, text.size() - 2));
        expected_ = Expected::colon;
        return text.size();
    }
    std::size_t value(std::string_view text) {
        emit(std::exchange(blanks_, false) ? R"("")" : text);
        end_value();
        return text.size();
    }
    std::size_t open(char c) {
        if (std::exchange(blanks_, false) && !blanked_depth_) {
            out_ += R"("")";
            blanked_depth_ = open_.size();
        }
        open_ += c;
        return sign(c, c == '{' ? Expected::name_or_end : Expected::value_or_end);
    }
    std::size_t close() {
        emit({&json_[at_], 1});
        open_.pop_back();
        if (blanked_depth_ == open_.size()) {
            blanked_depth_.reset();
        }
        end_value();
        return 1;
    }
    void end_value() { expected_ = open_.empty() ? Expected::nothing : Expected::more_or_end; }

    std::string_view json_;
    std::size_t at_ = 0;
    std::string out_;
    std::string open_;  // the brackets that are
    Expected expected_ = Expected::value;
    bool blanks_ = false;                       // the value that comes next
    std::optional<std::size_t> blanked_depth_;  // within a value that is blanked: how many brackets are open around it
};

}  // namespace

std::string blanked(std::string_view json) {
    return Blanker(json).run();
}

std::string kept_evidence(std::string_view json, std::size_t bytes_max) {
    ALPHA_ASSERT(bytes_max > kEvidenceCut.size() && bytes_max <= kMaxEvidenceBodyBytes, "a bound of evidence");
    std::string bytes = blanked(json);
    if (bytes.size() > bytes_max) {
        bytes.resize(bytes_max - kEvidenceCut.size());
        bytes += kEvidenceCut;
    }
    return bytes;
}

std::string evidence_of(std::string_view bytes) {
    return to_hex(sha256({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}))
        .substr(0, kEvidenceDigits);
}

Result<void> check_evidence(std::string_view said, std::uint8_t number, std::string_view bytes) {
    const std::size_t begin = number * kEvidenceDigits;
    const std::string_view wanted = begin < said.size() ? said.substr(begin, kEvidenceDigits) : std::string_view();
    const std::string found = evidence_of(bytes);
    if (wanted == found) {
        return {};
    }
    return fail(ErrorKind::data,
                "piece " + std::to_string(number) + " is " + found + ", and the event " +
                    (wanted.empty() ? "speaks of none" : "says " + std::string(wanted)),
                ErrorCode::altered);
}

std::string evidence_said(const Event& event) {
    return std::visit([](const auto& each) { return evidence_said(each); }, event);
}

}  // namespace alpha
