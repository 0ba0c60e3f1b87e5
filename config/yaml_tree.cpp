#include "config/yaml_tree.hpp"

#include "events/assert.hpp"
#include "events/text.hpp"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <map>
#include <sstream>
#include <utility>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace alpha::config {

namespace {

constexpr std::size_t kMaxDepth = 16;  // the deepest key lies four levels down

Place place_of(const YAML::Mark& mark) {
    return mark.is_null() ? Place{} : Place{mark.line + 1, mark.column + 1};
}

/// A part of YAML that alpha does without.
struct Unsupported : YAML::ParserException {
    using YAML::ParserException::ParserException;
};

/// Collects the parser's events into a flat tree. We do not use YAML::Node: it keeps no place for
/// keys, and following aliases it can be made to grow without bound.
class Tree : public YAML::EventHandler {
public:
    explicit Tree(std::string_view source) : source_(source) {}

    const std::vector<Item>& nodes() const { return nodes_; }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        refuse_anchor(mark, anchor);
        if (awaits_key()) {
            throw Unsupported(mark, "a key is missing before the colon; write key: value");
        }
        add(Item::Kind::nothing, mark, {});
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        throw Unsupported(mark, "aliases (*) are not supported; write the value itself");
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        refuse_anchor(mark, anchor);
        refuse_tag(mark, tag);
        refuse_open_quote(mark);
        if (awaits_key()) {
            open_.back().key = value;
            open_.back().key_at = place_of(mark);
            open_.back().has_key = true;
            return;
        }
        add(Item::Kind::text, mark, value);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        begin(Item::Kind::list, mark, tag, anchor);
    }
    void OnSequenceEnd() override { open_.pop_back(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        begin(Item::Kind::map, mark, tag, anchor);
    }
    void OnMapEnd() override { open_.pop_back(); }

private:
    struct Open {
        std::uint32_t node = 0;
        bool has_key = false;
        std::string key;
        Place key_at;
    };

    bool awaits_key() const {
        return !open_.empty() && nodes_[open_.back().node].kind == Item::Kind::map && !open_.back().has_key;
    }
    void begin(Item::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        refuse_anchor(mark, anchor);
        refuse_tag(mark, tag);
        if (awaits_key()) {
            throw Unsupported(mark, "a list or map cannot be a key; write a word");
        }
        if (open_.size() == kMaxDepth) {
            throw Unsupported(mark, "nested too deeply; no key lies this deep");
        }
        open_.push_back({add(kind, mark, {}), false, {}, {}});
    }
    std::uint32_t add(Item::Kind kind, const YAML::Mark& mark, const std::string& text) {
        const auto index = static_cast<std::uint32_t>(nodes_.size());
        const Place at = place_of(mark);
        nodes_.push_back({kind, at, text, {}});
        if (!open_.empty()) {
            Open& parent = open_.back();
            // Of an empty value yaml-cpp gives the place of whatever comes next; its key's is of
            // more use.
            if (parent.has_key && kind == Item::Kind::nothing) {
                nodes_[index].at = parent.key_at;
            }
            nodes_[parent.node].entries.push_back({std::move(parent.key), parent.has_key ? parent.key_at : at, index});
            parent.key.clear();
            parent.has_key = false;
        }
        return index;
    }
    static void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
        if (anchor != 0) {
            throw Unsupported(mark, "anchors (&) are not supported; write the value where it is used");
        }
    }
    static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
        // "?" and "!" are what yaml-cpp calls plain and quoted values without a tag.
        if (!tag.empty() && tag != "?" && tag != "!") {
            throw Unsupported(mark, "tags (!) are not supported; write the value alone");
        }
    }
    /// yaml-cpp takes the end of the file for a closing quote: half a file would become one value.
    void refuse_open_quote(const YAML::Mark& mark) const {
        const auto start = static_cast<std::size_t>(std::max(mark.pos, 0));
        if (start >= source_.size() || (source_[start] != '\'' && source_[start] != '"')) {
            return;
        }
        const char quote = source_[start];
        for (std::size_t i = start + 1; i < source_.size(); ++i) {
            if (quote == '"' && source_[i] == '\\') {
                ++i;
            } else if (source_[i] == quote) {
                // In single quotes a doubled one stands for itself and closes nothing.
                if (quote == '"' || i + 1 >= source_.size() || source_[i + 1] != quote) {
                    return;
                }
                ++i;
            }
        }
        throw Unsupported(mark, "this quote is never closed; close it");
    }

    std::string_view source_;
    std::vector<Item> nodes_;
    std::vector<Open> open_;
};

/// What to look for where the parser gave up; it does not say so of tabs.
std::string_view syntax_hint(std::string_view text, Place at) {
    std::size_t start = 0;
    for (std::int32_t line = 1; line < at.line; ++line) {
        start = std::min(text.find('\n', start), text.size() - 1) + 1;
    }
    const std::size_t first = text.find_first_not_of(' ', start);
    return first < text.size() && text[first] == '\t'
               ? "indent with spaces, not tabs"
               : "look for an open bracket or quote, a missing \"- \" or colon, or uneven "
                 "indentation";
}

}  // namespace

std::string kind_text(const Item& node) {
    switch (node.kind) {
    case Item::Kind::nothing: return "nothing";
    case Item::Kind::text: return in_quotes(node.text);
    case Item::Kind::list: return "a list";
    case Item::Kind::map: return "a map";
    }
    ALPHA_ASSERT(false, "a node of no kind");
    return {};
}

std::vector<Item> parse_yaml(std::string_view text, Findings& findings) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text.starts_with(kByteOrderMark)) {
        text.remove_prefix(kByteOrderMark.size());
    }
    if (text.size() > kMaxFileBytes) {
        findings.error(
            {}, "is larger than {} bytes; such a file holds no data of the market: a scenario names theirs under data",
            kMaxFileBytes);
        return {};
    }
    Place at;
    for (std::string_view rest = text; !rest.empty();) {
        const char c = rest.front();
        const std::size_t n = c == '\n' || c == '\r' || c == '\t' ? 1 : printable_length(rest);
        if (n == 0) {
            findings.error(at, "byte 0x{:02X} is not text; write the file in UTF-8",
                           static_cast<unsigned>(static_cast<unsigned char>(c)));
            return {};
        }
        at = c == '\n' ? Place{at.line + 1, 1} : Place{at.line, at.column + static_cast<std::int32_t>(n)};
        rest.remove_prefix(n);
    }
    Tree tree(text);
    try {
        std::istringstream in{std::string(text)};
        YAML::Parser parser(in);
        if (parser.HandleNextDocument(tree)) {
            Tree second(text);
            if (parser.HandleNextDocument(second)) {
                findings.error(second.nodes().empty() ? Place{} : second.nodes().front().at,
                               "a second document begins here; write one a file");
            }
        }
    } catch (const Unsupported& e) {
        findings.error(place_of(e.mark), "{}", e.msg);
    } catch (const YAML::Exception& e) {
        findings.error(place_of(e.mark), "is not YAML: {}; {}", e.msg, syntax_hint(text, place_of(e.mark)));
    } catch (const std::exception& e) {
        findings.error({}, "cannot be read as YAML: {}; write lines of key: value", e.what());
    }
    return findings.errors.empty() ? tree.nodes() : std::vector<Item>{};
}

void refuse_commas(std::vector<Item>& nodes, Findings& findings) {
    const auto is_number = [](std::string_view text) {
        return !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
    };
    for (Item& map : nodes) {
        for (std::size_t e = 1; map.kind == Item::Kind::map && e < map.entries.size(); ++e) {
            const Item::Entry& begun = map.entries[e - 1];
            Item& number = nodes[begun.value];
            const auto is_rest = [&](const Item::Entry& entry) {
                return is_number(entry.key) && nodes[entry.value].kind == Item::Kind::nothing;
            };
            const auto rest = map.entries.begin() + static_cast<std::ptrdiff_t>(e);
            const auto end = std::find_if_not(rest, map.entries.end(), is_rest);
            if (!is_number(number.text) || rest == end) {
                continue;
            }
            for (auto part = rest; part != end; ++part) {
                number.text += part->key;
            }
            findings.error(number.at, "{}: a number has no commas; write {}, without commas", begun.key, number.text);
            map.entries.erase(rest, end);
        }
    }
}

/// yaml-cpp keeps both of two equal keys; whichever we took, the other would be ignored silently.
void refuse_duplicate_keys(const std::vector<Item>& nodes, Findings& findings) {
    for (const Item& node : nodes) {
        if (node.kind != Item::Kind::map) {
            continue;
        }
        std::map<std::string_view, Place> first;
        for (const Item::Entry& entry : node.entries) {
            const auto [seen, is_new] = first.emplace(entry.key, entry.at);
            if (!is_new) {
                findings.error(entry.at, "{} is already given at {}:{}; keep one of them", in_quotes(entry.key),
                               seen->second.line, seen->second.column);
            }
        }
    }
}

}  // namespace alpha::config
