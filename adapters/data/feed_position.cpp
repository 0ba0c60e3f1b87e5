#include "adapters/data/feed_position.hpp"

#include "events/limits.hpp"
#include "store/checksum.hpp"
#include "store/wire.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <string_view>

namespace alpha {

namespace {

constexpr std::string_view kPositionMagic = "alphapos";
constexpr std::uint32_t kPositionVersion = 3;
/// The one without makers' own words.
constexpr std::uint32_t kShownPositionVersion = 2;
/// The one without bars that were shown either, which is all that most feeds need.
constexpr std::uint32_t kPlainPositionVersion = 1;

Bytes bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

void put_text(ByteBuffer& out, std::string_view text) {
    put(out, static_cast<std::uint32_t>(text.size()));
    out.append(bytes_of(text));
}

std::string take_text(WireReader& in) {
    const Bytes bytes = in.take(in.get<std::uint32_t>());
    return {bytes.begin(), bytes.end()};
}

/// Whether no arithmetic on them can overflow.
bool is_sane(const SourcePlace& place) {
    constexpr std::uint64_t kMost = std::uint64_t{1} << 60U;
    const auto is_time = [](Time time) { return time == kBeforeAll || is_good(time); };
    return place.from.offset < kMost && place.from.row < kMost && place.from.within < kMost && place.rows < kMost &&
           place.handed <= 2 * place.rows && is_time(place.from.last) && is_time(place.last_time);
}

/// Null: no form.
const char* words_of(SourceForm form) {
    switch (form) {
    case SourceForm::csv_quotes: return "quotes in CSV";
    case SourceForm::csv_bars: return "bars in CSV";
    case SourceForm::set_quotes: return "a data set of quotes";
    case SourceForm::set_bars: return "a data set of bars";
    case SourceForm::synth: return "synthetic";
    case SourceForm::csv_trades: return "trades in CSV";
    }
    return nullptr;
}

}  // namespace

std::string text_of(const SourceIdentity& identity) {
    std::string text = fmt::format("{} ({}", in_quotes(identity.name), words_of(identity.form));
    if (!identity.instrument.empty()) {
        text += fmt::format(" of {}", in_quotes(identity.instrument));
    }
    if (identity.interval.ns != 0) {
        text += fmt::format(", interval {}", to_string(identity.interval));
    }
    return text + ")";
}

void put_position(ByteBuffer& out, const FeedPosition& position) {
    const std::size_t begin = out.size();
    out.append(bytes_of(kPositionMagic));
    const bool has_makers =
        std::ranges::any_of(position.sources, [](const auto& source) { return !source.place.maker.empty(); });
    const std::uint32_t version = has_makers               ? kPositionVersion
                                  : position.shown.empty() ? kPlainPositionVersion
                                                           : kShownPositionVersion;
    put(out, version);
    put(out, static_cast<std::uint32_t>(position.sources.size()));
    for (const auto& [identity, place] : position.sources) {
        put(out, static_cast<std::uint8_t>(identity.form));
        put_text(out, identity.name);
        put_text(out, identity.instrument);
        put(out, identity.interval.ns);
        put(out, place.from.offset);
        put(out, place.from.row);
        put(out, place.from.within);
        put(out, place.from.last.ns);
        put(out, place.rows);
        put(out, place.handed);
        put(out, place.last_time.ns);
        put(out, place.last_row);
        put(out, static_cast<std::uint8_t>(place.last_opens));
        out.append(place.content_hash);
        if (has_makers) {
            put(out, static_cast<std::uint32_t>(place.maker.size()));
            out.append(place.maker);
            put(out, place.ahead);
        }
    }
    put(out, position.last.time.ns);
    put(out, static_cast<std::uint8_t>(position.last.rank));
    put(out, static_cast<std::uint32_t>(position.last.source));
    put(out, static_cast<std::uint32_t>(position.symbols.size()));
    for (const std::string& symbol : position.symbols) {
        put_text(out, symbol);
    }
    if (version != kPlainPositionVersion) {
        put(out, static_cast<std::uint32_t>(position.shown.size()));
    }
    for (const ShownBar& bar : position.shown) {
        put(out, bar.symbol);
        put(out, bar.source);
        put(out, bar.line);
        for (const std::int64_t raw : {bar.values.open.raw, bar.values.high.raw, bar.values.low.raw,
                                       bar.values.close.raw, bar.values.volume.raw}) {
            put(out, raw);
        }
    }
    put(out, crc32c(out.view().subspan(begin)));
}

Result<FeedPosition> read_position(Bytes bytes, std::vector<std::string>& symbols) {
    const auto damaged = [] { return fail(ErrorKind::data, "The feed's position is damaged; begin a new session."); };
    WireReader in(bytes);
    const Bytes magic = in.take(kPositionMagic.size());
    const auto version = in.get<std::uint32_t>();
    if (!in.ok() || !std::ranges::equal(magic, bytes_of(kPositionMagic))) {
        return damaged();
    }
    const std::size_t body = bytes.size() - std::min(bytes.size(), sizeof(std::uint32_t));
    if (crc32c(bytes.first(body)) != load<std::uint32_t>(bytes.data() + body)) {
        return damaged();
    }
    if (version < kPlainPositionVersion || version > kPositionVersion) {
        return fail(ErrorKind::data,
                    fmt::format("The feed's position has version {}, and this program reads versions up to {}; "
                                "use the program that wrote it, or begin a new session.",
                                version, kPositionVersion));
    }
    FeedPosition position;
    for (auto n = in.get<std::uint32_t>(); n > 0 && in.ok(); --n) {
        auto& [identity, place] = position.sources.emplace_back();
        identity.form = static_cast<SourceForm>(in.get<std::uint8_t>());
        identity.name = take_text(in);
        identity.instrument = take_text(in);
        identity.interval.ns = in.get<std::int64_t>();
        place.from.offset = in.get<std::uint64_t>();
        place.from.row = in.get<std::uint64_t>();
        place.from.within = in.get<std::uint64_t>();
        place.from.last.ns = in.get<std::int64_t>();
        place.rows = in.get<std::uint64_t>();
        place.handed = in.get<std::uint64_t>();
        place.last_time.ns = in.get<std::int64_t>();
        place.last_row = in.get<std::uint64_t>();
        place.last_opens = in.get<std::uint8_t>() != 0;
        const Bytes content_hash = in.take(place.content_hash.size());
        std::ranges::copy(content_hash, place.content_hash.begin());
        if (version == kPositionVersion) {
            const Bytes maker = in.take(in.get<std::uint32_t>());
            place.maker.assign(maker.begin(), maker.end());
            place.ahead = in.get<std::uint64_t>();
        }
        if (!is_sane(place) || words_of(identity.form) == nullptr) {
            return damaged();
        }
    }
    position.last.time.ns = in.get<std::int64_t>();
    position.last.rank = in.get<std::uint8_t>();
    position.last.source = in.get<std::uint32_t>();
    std::set<std::string_view> names;
    const auto count = in.get<std::uint32_t>();
    if (count > limits::kMaxInstruments) {
        return damaged();
    }
    symbols.reserve(count);
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        symbols.push_back(take_text(in));
        if (!name_refusal(symbols.back()).empty() || !names.insert(symbols.back()).second) {
            return damaged();
        }
    }
    const auto shown = version == kPlainPositionVersion ? 0 : in.get<std::uint32_t>();
    for (std::uint32_t i = 0; i < shown && in.ok(); ++i) {
        ShownBar& bar = position.shown.emplace_back();
        bar.symbol = in.get<std::uint32_t>();
        bar.source = in.get<std::uint32_t>();
        bar.line = in.get<std::uint64_t>();
        for (std::int64_t* const raw : {&bar.values.open.raw, &bar.values.high.raw, &bar.values.low.raw,
                                        &bar.values.close.raw, &bar.values.volume.raw}) {
            *raw = in.get<std::int64_t>();
        }
        if (bar.symbol >= symbols.size() || bar.source >= position.sources.size()) {
            return damaged();
        }
    }
    if (!in.ok() || in.left() != sizeof(std::uint32_t)) {
        return damaged();
    }
    position.symbols = symbols;
    return position;
}

}  // namespace alpha
