#include "plugins/plugin.hpp"

#include "events/assert.hpp"
#include "events/limits.hpp"
#include "events/text.hpp"
#include "include/alpha/plugin.h"
#include "plugins/crash.hpp"
#include "store/chain.hpp"
#include "store/disk.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>
#include <fmt/format.h>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <system_error>

namespace alpha {

namespace {

// ---- the two vocabularies are one ------------------------------------------------------------------------------------------

template <class E>
constexpr bool is(E value, int number) {
    return static_cast<int>(value) == number;
}
static_assert(is(Side::buy, ALPHA_BUY) && is(Side::sell, ALPHA_SELL));
static_assert(is(OrderType::market, ALPHA_MARKET) && is(OrderType::limit, ALPHA_LIMIT) &&
              is(OrderType::stop, ALPHA_STOP) && is(OrderType::stop_limit, ALPHA_STOP_LIMIT));
static_assert(is(TimeInForce::day, ALPHA_DAY) && is(TimeInForce::gtc, ALPHA_GTC) && is(TimeInForce::ioc, ALPHA_IOC));
static_assert(is(Direction::flat, ALPHA_FLAT) && is(Direction::lengthen, ALPHA_LENGTHEN) &&
              is(Direction::shorten, ALPHA_SHORTEN));
static_assert(is(OrderStatus::intended, ALPHA_INTENDED) && is(OrderStatus::working, ALPHA_WORKING) &&
              is(OrderStatus::filled, ALPHA_FILLED) && is(OrderStatus::cancelled, ALPHA_CANCELLED) &&
              is(OrderStatus::rejected, ALPHA_REJECTED) && is(OrderStatus::expired, ALPHA_EXPIRED) &&
              is(OrderStatus::refused, ALPHA_REFUSED));

static_assert(ALPHA_TAG_BYTES == limits::kMaxTagBytes && ALPHA_LINKED_ORDERS == limits::kMaxLegs);

// ---- libraries that were built before something was added find everything where it was --------------------------------------

static_assert(sizeof(void*) != 8 ||
              (offsetof(alpha_host, fail) == 8 && offsetof(alpha_host, place) == 96 &&
               offsetof(alpha_host, write) == 144 && offsetof(alpha_host, place_linked) == 152 &&
               offsetof(alpha_bar_opened, label) == 16 && offsetof(alpha_bar, label) == 48 &&
               offsetof(alpha_fill, tag) == 80 && offsetof(alpha_order, reduce_only) == 56 &&
               sizeof(alpha_order_terms) == 48 && sizeof(alpha_quote) == 40 && sizeof(alpha_order_update) == 24 &&
               sizeof(alpha_instrument) == 32 && sizeof(alpha_market) == 48 && sizeof(alpha_position) == 56 &&
               sizeof(alpha_valuation) == 88 && sizeof(alpha_setting) == 24 && sizeof(alpha_param) == 48 &&
               offsetof(alpha_plugin, on_trade) == 120 && sizeof(alpha_trade) == 48 && sizeof(alpha_plugin) == 128));

alpha_money money_of(Money money) {
    return {static_cast<std::int64_t>(money.raw / kScale), static_cast<std::int64_t>(money.raw % kScale)};
}

// ---- a library -------------------------------------------------------------------------------------------------------------

constexpr char kEntry[] = "alpha_plugin_entry";
constexpr std::uint32_t kMaxParams = 64;
constexpr std::uintmax_t kMaxFileBytes = std::uintmax_t{256} << 20U;
constexpr Decimal kMostInParam{limits::kMaxPrice.raw};
constexpr Decimal kLeastInParam{-limits::kMaxPrice.raw};
/// What there was when the interface was first shipped: no library has less.
constexpr std::size_t kFirstTableBytes = offsetof(alpha_plugin, load) + sizeof(alpha_plugin::load);
constexpr std::size_t kMostTableBytes = 4'096;  // room to grow in
constexpr std::size_t kFirstParamBytes = offsetof(alpha_param, maximum) + sizeof(alpha_param::maximum);
constexpr std::size_t kFirstLinkedBytes = offsetof(alpha_linked_order, tag) + sizeof(alpha_linked_order::tag);

/// A loaded library, checked. Its table is copied, so that members it does not have are null.
struct Library {
    alpha_plugin table{};
    std::vector<ParamSpec> params;
    Digest file_hash{};
};

tl::unexpected<Error> refuse(std::string why) {
    return fail(ErrorKind::usage, std::move(why));
}

/// A word that scenarios can name: letters, digits, underscores.
bool is_word(const char* text) {
    constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    return text != nullptr && *text != '\0' && std::strlen(text) <= limits::kMaxNameBytes &&
           std::string_view(text).find_first_not_of(kPlain) == std::string_view::npos;
}

bool is_line(const char* text) {
    return text != nullptr && *text != '\0' && std::strlen(text) <= limits::kMaxTextBytes && is_printable(text);
}

/// What a library says may be anything: what cannot be shown is replaced.
std::string shown(std::string_view text) {
    return printable(text.substr(0, limits::kMaxTextBytes));
}

std::optional<ParamKind> kind_of(std::uint32_t kind) {
    switch (kind) {
    case ALPHA_INTEGER: return ParamKind::count;
    case ALPHA_DECIMAL: return ParamKind::decimal;
    case ALPHA_FLAG: return ParamKind::flag;
    case ALPHA_TEXT: return ParamKind::text;
    case ALPHA_INSTRUMENT: return ParamKind::instrument;
    case ALPHA_INTERVAL: return ParamKind::interval;
    default: return std::nullopt;
    }
}

/// The number that a bound is written as; `otherwise` where there is none.
Result<Decimal> bound_of(const char* text, Decimal otherwise) {
    if (text == nullptr) {
        return otherwise;
    }
    const Result<Decimal> value = parse_decimal(text);
    if (!value || *value < kLeastInParam || *value > kMostInParam) {
        return refuse(fmt::format("'{}' is no number from -10000000000 to 10000000000", shown(text)));
    }
    return *value;
}

Result<ParamSpec> param_of(const alpha_param& given) {
    if (!is_word(given.name)) {
        return refuse("its name is not made of letters, digits and underscores");
    }
    const std::optional<ParamKind> kind = kind_of(given.kind);
    if (!kind) {
        return refuse(fmt::format("its kind is {}, which there is not", given.kind));
    }
    if (!is_line(given.doc)) {
        return refuse("it does not say what it means in one line");
    }
    const bool is_number = *kind == ParamKind::count || *kind == ParamKind::decimal;
    if (!is_number && (given.minimum != nullptr || given.maximum != nullptr)) {
        return refuse("only numbers have a minimum and a maximum");
    }
    const Result<Decimal> min = bound_of(given.minimum, kLeastInParam);
    const Result<Decimal> max = bound_of(given.maximum, kMostInParam);
    if (!min || !max) {
        return tl::unexpected(min ? max.error() : min.error());
    }
    const std::string_view by_default = given.default_value == nullptr ? "" : given.default_value;
    ParamSpec param{given.name, *kind, by_default, *min, *max, given.doc};
    if (!by_default.empty()) {
        StrategySpec alone;
        alone.params = std::span(&param, 1);
        if (const auto checked = validate_params(alone, {}, {}); !checked) {
            return refuse("its default is refused: " + shown(checked.error()[0].message));
        }
    }
    return param;
}

/// Copies the parameters that the table lists, each as long as the library says.
Result<std::vector<ParamSpec>> params_of(const alpha_plugin& table) {
    std::vector<ParamSpec> params;
    if (table.param_count == 0) {
        return params;
    }
    if (table.params == nullptr || table.param_count > kMaxParams || table.param_size < kFirstParamBytes) {
        return refuse(fmt::format("it lists {} parameters of {} bytes; write at most {} of {}", table.param_count,
                                  table.param_size, kMaxParams, sizeof(alpha_param)));
    }
    params.reserve(table.param_count);
    const auto* at = reinterpret_cast<const unsigned char*>(table.params);
    for (std::uint32_t i = 0; i < table.param_count; ++i, at += table.param_size) {
        alpha_param given{};
        std::memcpy(&given, at, std::min<std::size_t>(table.param_size, sizeof given));
        const Result<ParamSpec> param = param_of(given);
        if (!param) {
            return refuse(fmt::format("its parameter {} ({}) cannot be: {}", i + 1,
                                      given.name == nullptr ? "" : shown(given.name), param.error().message));
        }
        if (std::ranges::find(params, param->name, &ParamSpec::name) != params.end()) {
            return refuse(fmt::format("it has two parameters named {}", param->name));
        }
        params.push_back(*param);
    }
    return params;
}

/// Copies the table, as long as the library says, and checks that it makes sense.
Result<void> take_table(const alpha_plugin& given, Library& library) {
    alpha_plugin& table = library.table;
    if (given.abi_version != ALPHA_ABI_VERSION) {
        return refuse(fmt::format("it was built for version {} of the interface, and this alpha has {}; build it anew "
                                  "with this alpha's headers",
                                  given.abi_version, ALPHA_ABI_VERSION));
    }
    if (given.struct_size < kFirstTableBytes || given.struct_size > kMostTableBytes) {
        return refuse(fmt::format("its table has {} bytes, and the interface {}; set struct_size to "
                                  "sizeof(alpha_plugin)",
                                  given.struct_size, sizeof(alpha_plugin)));
    }
    // Members that this alpha does not know are of no account as long as they are not used.
    const auto* bytes = reinterpret_cast<const unsigned char*>(&given);
    const std::size_t known = std::min<std::size_t>(given.struct_size, sizeof table);
    if (std::any_of(bytes + known, bytes + given.struct_size, [](unsigned char byte) { return byte != 0; })) {
        return refuse("it uses more of the interface than this alpha has; use a newer alpha, or build it with this "
                      "one's headers");
    }
    std::memcpy(&table, &given, known);
    if (!is_word(table.name)) {
        return refuse("its name is not made of letters, digits and underscores");
    }
    if (!is_line(table.summary)) {
        return refuse("it does not say what it does in one line");
    }
    if (table.create == nullptr || table.destroy == nullptr) {
        return refuse("its table lacks create or destroy");
    }
    if (table.on_quote == nullptr && table.on_trade == nullptr && table.on_bar == nullptr &&
        table.on_bar_opened == nullptr) {
        return refuse("its table has none of on_quote, on_trade, on_bar_opened and on_bar; nothing would ever move it");
    }
    if ((table.save == nullptr) != (table.load == nullptr)) {
        return refuse("its table has only one of save and load; they come together");
    }
    Result<std::vector<ParamSpec>> params = params_of(table);
    if (!params) {
        return tl::unexpected(params.error());
    }
    library.params = std::move(*params);
    return {};
}

Result<Digest> hash_of_file(const std::string& path) {
    const Result<bool> exists = is_there(path);
    if (!exists) {
        return tl::unexpected(exists.error());
    }
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (!*exists) {
        return refuse(fmt::format("'{}' does not exist; write the path of a library", path));
    }
    if (!std::filesystem::is_regular_file(status) || std::filesystem::file_size(path, error) > kMaxFileBytes) {
        return refuse(fmt::format("'{}' is no library; write the path of one", path));
    }
    const Result<std::string> content = read_file(path, kMaxFileBytes);
    if (!content) {
        return tl::unexpected(content.error());
    }
    return sha256({reinterpret_cast<const std::uint8_t*>(content->data()), content->size()});
}

/// What the linker last complained of, without the path that it begins with.
std::string linker_error(const std::string& path) {
    const char* const said = dlerror();  // NOLINT(concurrency-mt-unsafe): libraries are loaded by one thread
    std::string error = shown(said == nullptr ? "for no reason that is known" : said);
    if (error.starts_with(path + ": ")) {
        error.erase(0, path.size() + 2);
    }
    return error;
}

Result<std::shared_ptr<const Library>> open_library(const std::string& path) {
    const Result<Digest> hash = hash_of_file(path);
    if (!hash) {
        return tl::unexpected(hash.error());
    }
    // With a slash in it the linker takes the path as it is.
    const std::string full = std::filesystem::absolute(path).string();
    tell_of_crashes();
    const CrashContext blame(path.c_str(), "its beginnings, being loaded");
    void* const handle = dlopen(full.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        return refuse(fmt::format("'{}' cannot be loaded: {}", path, linker_error(full)));
    }
    auto* const entry = reinterpret_cast<decltype(&alpha_plugin_entry)>(dlsym(handle, kEntry));
    if (entry == nullptr) {
        return refuse(
            fmt::format("'{}' holds no strategy: it does not export {}; write ALPHA_STRATEGY(Class) into its source",
                        path, kEntry));
    }
    const alpha_plugin* const table = entry(ALPHA_ABI_VERSION, sizeof(alpha_host));
    if (table == nullptr) {
        return refuse(fmt::format("'{}' was built for another version of the interface than this alpha's {}; build it "
                                  "anew with this alpha's headers",
                                  path, ALPHA_ABI_VERSION));
    }
    auto library = std::make_shared<Library>();
    library->file_hash = *hash;
    if (const Result<void> taken = take_table(*table, *library); !taken) {
        return refuse(fmt::format("'{}' cannot be used: {}", path, taken.error().message));
    }
    return library;
}

// ---- one of its strategies ----------------------------------------------------------------------------------------------

/// What the host's functions find behind the table they are called with: what one call of the library may see and ask.
struct Host : alpha_host {
    Host(const StrategyConfig& strategy_config, std::span<const Instrument> listed,
         const std::vector<ParamSpec>& strategy_params);

    const StrategyConfig* config;
    const std::vector<ParamSpec>* params;
    std::vector<Instrument> own;   // by place in config->instruments
    Context* asking = nullptr;     // within a callback
    ByteBuffer* saving = nullptr;  // within save
    mutable std::string failure;   // what fail() was told
};

const Host& of(const alpha_host* host) {
    return *static_cast<const Host*>(host);
}

/// Gives as much as whoever asks has room for.
template <class T>
int give(T* out, T value) {
    if (out == nullptr || out->struct_size < sizeof(std::uint32_t)) {
        return ALPHA_FAILED;
    }
    value.struct_size = out->struct_size;
    std::memcpy(out, &value, std::min<std::size_t>(out->struct_size, sizeof value));
    return ALPHA_OK;
}

/// Calls `use` with the view; fails outside of callbacks.
template <class Use>
int seen(const alpha_host* host, Use use) {
    Context* const asking = of(host).asking;
    return asking == nullptr ? ALPHA_FAILED : use(asking->view());
}
template <class Use>
int seen(const alpha_host* host, std::uint32_t instrument, Use use) {
    return seen(host, [&](const View& view) {
        return view.is_listed(InstrumentId{instrument}) ? use(view, InstrumentId{instrument}) : ALPHA_FAILED;
    });
}
/// Calls `ask` with the context; fails outside of callbacks, and where the values mean nothing.
template <class Ask>
int asked(const alpha_host* host, bool meaningful, Ask ask) {
    Context* const asking = of(host).asking;
    if (asking == nullptr || !meaningful) {
        return ALPHA_FAILED;
    }
    ask(*asking);
    return ALPHA_OK;
}

alpha_instrument instrument_of(InstrumentId id, const Instrument& from) {
    return {0, id.value, from.name.c_str(), from.tick.raw, from.lot.raw};
}

int host_fail(const alpha_host* host, const char* why) {
    of(host).failure = shown(why == nullptr ? "" : why);
    return ALPHA_FAILED;
}
const char* host_strategy_name(const alpha_host* host) {
    return of(host).config->name.c_str();
}
int host_setting(const alpha_host* host, const char* name, alpha_setting* out) {
    const StrategyConfig& config = *of(host).config;
    const auto& params = *of(host).params;
    const auto param = std::ranges::find(params, std::string_view(name == nullptr ? "" : name), &ParamSpec::name);
    if (param == params.end()) {
        return ALPHA_FAILED;
    }
    const auto setting = std::ranges::find(config.params, param->name, &Setting::key);
    ALPHA_ASSERT(setting != config.params.end(), "settings were validated: every parameter has one");
    alpha_setting found{0, 0, 0, setting->value.c_str()};
    switch (param->kind) {
    case ParamKind::count:
        found.kind = ALPHA_INTEGER;
        found.value = count_param(config.params, param->name);
        break;
    case ParamKind::decimal:
        found.kind = ALPHA_DECIMAL;
        found.value = qty_param(config.params, param->name).raw;
        break;
    case ParamKind::flag:
        found.kind = ALPHA_FLAG;
        found.value = flag_param(config.params, param->name) ? 1 : 0;
        break;
    case ParamKind::interval:
        found.kind = ALPHA_INTERVAL;
        found.value = interval_param(config.params, param->name).ns;
        break;
    case ParamKind::text: found.kind = ALPHA_TEXT; break;
    case ParamKind::instrument: {
        const auto& own = of(host).own;
        const auto named = std::ranges::find(own, setting->value, &Instrument::name) - own.begin();
        found.kind = ALPHA_INSTRUMENT;
        found.value = config.instruments[static_cast<std::size_t>(named)].value;
        break;
    }
    }
    return give(out, found);
}
std::uint32_t host_instrument_count(const alpha_host* host) {
    return static_cast<std::uint32_t>(of(host).own.size());
}
int host_own_instrument(const alpha_host* host, std::uint32_t index, alpha_instrument* out) {
    const Host& h = of(host);
    return index < h.own.size() ? give(out, instrument_of(h.config->instruments[index], h.own[index])) : ALPHA_FAILED;
}
std::int64_t host_now(const alpha_host* host) {
    const Context* const asking = of(host).asking;
    return asking == nullptr ? 0 : asking->view().now().ns;
}
int host_instrument(const alpha_host* host, std::uint32_t id, alpha_instrument* out) {
    return seen(host, id, [&](const View& view, InstrumentId instrument) {
        return give(out, instrument_of(instrument, view.instrument(instrument)));
    });
}
int host_market(const alpha_host* host, std::uint32_t id, alpha_market* out) {
    return seen(host, id, [&](const View& view, InstrumentId instrument) {
        const Market& m = view.market(instrument);
        return give(out, alpha_market{0, 0, m.mark.raw, m.bid.raw, m.ask.raw, m.bid_qty.raw, m.ask_qty.raw});
    });
}
int host_position(const alpha_host* host, std::uint32_t id, alpha_position* out) {
    return seen(host, id, [&](const View& view, InstrumentId instrument) {
        const Position& p = view.position(instrument);
        return give(out,
                    alpha_position{0, 0, p.net.raw, average_price(p.cost, view.instrument(instrument).units(p.net)).raw,
                                   p.open_buys.raw, p.open_sells.raw, money_of(p.realized_pnl)});
    });
}
int host_valuation(const alpha_host* host, alpha_valuation* out) {
    return seen(host, [&](const View& view) {
        const Valuation v = view.valuation();
        return give(out, alpha_valuation{0, 0, money_of(v.cash), money_of(v.equity), money_of(v.realized_pnl),
                                         money_of(v.unrealized_pnl), money_of(v.charges)});
    });
}
int host_order(const alpha_host* host, std::uint64_t id, alpha_order* out) {
    return seen(host, [&](const View& view) {
        const Order* const order = view.order(OrderId{id});
        if (order == nullptr) {
            return ALPHA_FAILED;
        }
        const OrderTerms& t = order->terms;
        return give(out, alpha_order{0, static_cast<std::uint32_t>(order->status), t.instrument.value,
                                     static_cast<std::uint32_t>(t.side), static_cast<std::uint32_t>(t.type),
                                     static_cast<std::uint32_t>(t.tif), t.quantity.raw, order->filled.raw,
                                     t.limit_price.raw, t.stop_price.raw, t.reduce_only ? 1U : 0U, 0, t.parent.value,
                                     t.group.value, t.tag.c_str()});
    });
}

/// The terms that the library means; nothing where they mean nothing.
std::optional<OrderTerms> terms_of(const alpha_linked_order& given) {
    const std::size_t tag_bytes = given.tag == nullptr ? 0 : strnlen(given.tag, limits::kMaxTagBytes + 1);
    const std::string_view tag(tag_bytes == 0 ? "" : given.tag, tag_bytes);
    const bool meaningful = given.side >= ALPHA_BUY && given.side <= ALPHA_SELL && given.type >= ALPHA_MARKET &&
                            given.type <= ALPHA_STOP_LIMIT && given.time_in_force >= ALPHA_DAY &&
                            given.time_in_force <= ALPHA_IOC && given.reduce_only <= 1 &&
                            tag_bytes <= limits::kMaxTagBytes && is_printable(tag);
    if (!meaningful) {
        return std::nullopt;
    }
    OrderTerms terms;
    terms.instrument = InstrumentId{given.instrument};
    terms.side = static_cast<Side>(given.side);
    terms.type = static_cast<OrderType>(given.type);
    terms.tif = static_cast<TimeInForce>(given.time_in_force);
    terms.quantity = Qty{given.quantity};
    terms.limit_price = Price{given.limit_price};
    terms.stop_price = Price{given.stop_price};
    terms.reduce_only = given.reduce_only == 1;
    terms.parent = OrderId{given.parent};
    terms.group = OrderId{given.group};
    terms.tag = tag;
    return terms;
}

int host_place(const alpha_host* host, const alpha_order_terms* given, std::uint64_t* order) {
    alpha_order_terms plain{};
    if (given != nullptr && given->struct_size >= sizeof plain) {  // what this version began with
        std::memcpy(&plain, given, sizeof plain);
    }
    const std::optional<OrderTerms> terms =
        terms_of({sizeof(alpha_linked_order), plain.instrument, plain.side, plain.type, plain.time_in_force, 0,
                  plain.quantity, plain.limit_price, plain.stop_price, 0, 0, nullptr});
    return asked(host, terms.has_value(), [&](Context& context) {
        const OrderId id = context.place(*terms);
        if (order != nullptr) {
            *order = id.value;
        }
    });
}
int host_place_linked(const alpha_host* host, const alpha_linked_order* given, std::uint32_t count,
                      std::uint64_t* first) {
    std::vector<OrderTerms> orders;
    const bool is_list = given != nullptr && count >= 1 && count <= ALPHA_LINKED_ORDERS &&
                         given->struct_size >= kFirstLinkedBytes && given->struct_size % alignof(void*) == 0;
    const std::size_t size = is_list ? given->struct_size : 0;
    const auto* at = reinterpret_cast<const unsigned char*>(given);
    for (std::uint32_t i = 0; i < count && is_list; ++i, at += size) {
        alpha_linked_order one{};
        std::memcpy(&one, at, std::min(size, sizeof one));
        const std::optional<OrderTerms> terms = one.struct_size == size ? terms_of(one) : std::nullopt;
        if (!terms) {
            break;
        }
        orders.push_back(*terms);
    }
    return asked(host, is_list && orders.size() == count, [&](Context& context) {
        const bool alone = count == 1 && orders[0].parent.value == 0 && orders[0].group.value == 0;
        const OrderId id = alone ? context.place(orders[0]) : context.place_linked(orders);
        if (first != nullptr) {
            *first = id.value;
        }
    });
}
int host_cancel(const alpha_host* host, std::uint64_t order) {
    return asked(host, true, [&](Context& context) { context.cancel(OrderId{order}); });
}
int host_modify(const alpha_host* host, std::uint64_t order, std::int64_t quantity, std::int64_t limit_price,
                std::int64_t stop_price) {
    return asked(host, true, [&](Context& context) {
        context.modify(OrderId{order}, Qty{quantity}, Price{limit_price}, Price{stop_price});
    });
}
int host_set_timer(const alpha_host* host, std::uint64_t timer, std::int64_t due) {
    return asked(host, true, [&](Context& context) { context.set_timer(TimerId{timer}, Time{due}); });
}
int host_cancel_timer(const alpha_host* host, std::uint64_t timer) {
    return asked(host, true, [&](Context& context) { context.cancel_timer(TimerId{timer}); });
}
int host_signal(const alpha_host* host, std::uint32_t instrument, std::uint32_t direction) {
    const Context* const asking = of(host).asking;
    const bool meaningful = asking != nullptr && asking->view().is_listed(InstrumentId{instrument}) &&
                            direction >= ALPHA_FLAT && direction <= ALPHA_SHORTEN;
    return asked(host, meaningful, [&](Context& context) {
        context.signal(InstrumentId{instrument}, static_cast<Direction>(direction));
    });
}
int host_write(const alpha_host* host, const void* bytes, std::size_t size) {
    ByteBuffer* const saving = of(host).saving;
    if (saving == nullptr || (bytes == nullptr && size != 0)) {
        return ALPHA_FAILED;
    }
    saving->append({static_cast<const std::uint8_t*>(bytes), size});
    return ALPHA_OK;
}

Host::Host(const StrategyConfig& strategy_config, std::span<const Instrument> listed,
           const std::vector<ParamSpec>& strategy_params)
    : alpha_host{sizeof(alpha_host),    ALPHA_ABI_VERSION,   host_fail,         host_strategy_name, host_setting,
                 host_instrument_count, host_own_instrument, host_now,          host_instrument,    host_market,
                 host_position,         host_valuation,      host_order,        host_place,         host_cancel,
                 host_modify,           host_set_timer,      host_cancel_timer, host_signal,        host_write,
                 host_place_linked},
      config(&strategy_config),
      params(&strategy_params) {
    own.reserve(config->instruments.size());
    for (const InstrumentId id : config->instruments) {
        own.push_back(listed[id.value]);
    }
}

class PluginStrategy final : public Strategy {
public:
    PluginStrategy(std::shared_ptr<const Library> library, const StrategyConfig& config,
                   std::span<const Instrument> listed)
        : library_(std::move(library)),
          config_(config),
          host_(config_, listed, library_->params),
          who_(fmt::format("the strategy '{}' ({})", config_.name, table().name)),
          made_(call("create", [&] { return table().create(&host_, &self_); })) {}
    PluginStrategy(const PluginStrategy&) = delete;
    PluginStrategy& operator=(const PluginStrategy&) = delete;
    ~PluginStrategy() override {
        if (self_ != nullptr) {
            const CrashContext blame(who_.c_str(), "destroy");
            table().destroy(self_);
        }
    }

    /// Whether it could be made, and why not. One that could not fails in its first callback.
    const Result<void>& made() const { return made_; }

    void on_quote(const QuoteTick& e, Context& context) override {
        tell("on_quote", table().on_quote, context,
             alpha_quote{e.instrument.value, 0, e.bid.raw, e.ask.raw, e.bid_qty.raw, e.ask_qty.raw});
    }
    void on_trade(const TradeTick& e, Context& context) override {
        tell("on_trade", table().on_trade, context,
             alpha_trade{e.instrument.value, 0, e.price.raw, e.quantity.raw, e.volume.as_quantity().raw,
                         e.open_interest.as_quantity().raw, e.exchange_time.ns});
    }
    void on_bar_opened(const BarOpened& e, Context& context) override {
        tell("on_bar_opened", table().on_bar_opened, context,
             alpha_bar_opened{e.instrument.value, 0, e.open.raw, e.label.ns, e.interval.ns});
    }
    void on_bar(const BarClosed& e, Context& context) override {
        tell("on_bar", table().on_bar, context,
             alpha_bar{e.instrument.value, 0, e.open.raw, e.high.raw, e.low.raw, e.close.raw,
                       e.volume.as_quantity().raw, e.label.ns, e.interval.ns});
    }
    void on_timer(TimerId timer, Context& context) override {
        if (table().on_timer != nullptr) {
            turn("on_timer", context, [&] { return table().on_timer(self_, &host_, timer.value); });
        }
    }
    void on_order(const OrderUpdate& update, Context& context) override {
        tell("on_order", table().on_order, context,
             alpha_order_update{update.order.value, static_cast<std::uint32_t>(update.status),
                                update.change_failed ? 1U : 0U, name_of(update.rule)});
    }
    void on_fill(const OrderFilled& e, Context& context) override {
        tell("on_fill", table().on_fill, context,
             alpha_fill{e.order.value, e.instrument.value, static_cast<std::uint32_t>(e.side), e.quantity.raw,
                        e.price.raw, money_of(e.notional), money_of(e.charges), money_of(e.realized_pnl),
                        e.order_tag.c_str()});
    }

    /// kKept and the library's own bytes, or kNotKept alone where it does not say what it depends on.
    void save(ByteBuffer& out) const override {
        const std::size_t begin = out.size();
        *out.extend(1) = kKept;
        host_.saving = &out;
        const bool kept = table().save != nullptr && self_ != nullptr &&
                          call("save", [&] { return table().save(self_, &host_); }).has_value();
        host_.saving = nullptr;
        if (!kept) {
            out.resize(begin);
            *out.extend(1) = kNotKept;
        }
    }
    Result<void> load(Bytes bytes) override {
        if (bytes.empty() || bytes[0] != kKept || table().load == nullptr || self_ == nullptr) {
            return fail(ErrorKind::data, who_ + " kept no state: it has to decide from the first event on");
        }
        const Bytes own = bytes.subspan(1);
        const Result<void> loaded = call("load", [&] { return table().load(self_, &host_, own.data(), own.size()); });
        return loaded ? loaded : fail(ErrorKind::data, who_ + ": " + loaded.error().message);
    }

private:
    static constexpr std::uint8_t kNotKept = 0;
    static constexpr std::uint8_t kKept = 1;

    /// Lends the host's eyes and requests to the library for one callback, whatever way it ends.
    class Lent {
    public:
        Lent(Host& host, Context& context) : host_(host) { host_.asking = &context; }
        ~Lent() { host_.asking = nullptr; }
        Lent(const Lent&) = delete;
        Lent& operator=(const Lent&) = delete;

    private:
        Host& host_;
    };

    const alpha_plugin& table() const { return library_->table; }

    template <class Event>
    void tell(const char* name, int (*callback)(void*, const alpha_host*, const Event*), Context& context,
              const Event& event) {
        if (callback != nullptr) {
            turn(name, context, [&] { return callback(self_, &host_, &event); });
        }
    }
    /// One callback. What the library calls an error becomes an exception, which halts the strategy.
    template <class Run>
    void turn(const char* name, Context& context, Run run) {
        if (!made_) {
            throw std::runtime_error(made_.error().message);
        }
        int code = ALPHA_OK;
        {
            const CrashContext blame(who_.c_str(), name);
            const Lent lent(host_, context);
            code = run();
        }
        if (code != ALPHA_OK) [[unlikely]] {
            throw std::runtime_error(fmt::format("in {}: {}", name, take_failure(code)));
        }
    }
    /// Any other function of the library.
    template <class Run>
    Result<void> call(const char* name, Run run) const {
        const CrashContext blame(who_.c_str(), name);
        try {
            const int code = run();
            return code == ALPHA_OK ? Result<void>{} : fail(ErrorKind::usage, take_failure(code));
        } catch (...) {  // it may not throw; nothing here could bear it
            return fail(ErrorKind::usage, fmt::format("{} threw an exception", name));
        }
    }
    std::string take_failure(int code) const {
        std::string why = std::move(host_.failure);
        host_.failure.clear();
        return why.empty() ? fmt::format("it returned error {}", code) : why;
    }

    std::shared_ptr<const Library> library_;
    StrategyConfig config_;
    mutable Host host_;  // saving asks it as well
    std::string who_;
    void* self_ = nullptr;
    Result<void> made_;
};

/// How the library's strategy is described. The functions own what the views lead to.
StrategySpec spec_of(const std::shared_ptr<const Library>& library) {
    StrategySpec spec;
    spec.name = library->table.name;
    spec.summary = library->table.summary;
    spec.params = library->params;
    spec.uses.quotes = library->table.on_quote != nullptr;
    spec.uses.trades = library->table.on_trade != nullptr;
    spec.uses.bars = library->table.on_bar != nullptr || library->table.on_bar_opened != nullptr;
    spec.is_plugin = true;
    spec.make = [library](const StrategyConfig& config, std::span<const Instrument> listed) {
        return std::make_unique<PluginStrategy>(library, config, listed);
    };
    // Its constructor is the check: what refuses to be made with these parameters is refused with the scenario.
    spec.check = [library](const StrategyConfig& config, std::span<const Instrument> listed) {
        const PluginStrategy trial(library, config, listed);
        return trial.made() ? std::vector<ParamError>{} : std::vector<ParamError>{{"", trial.made().error().message}};
    };
    return spec;
}

std::string note_of(std::string_view name) {
    return fmt::format("plugin/{}", name);
}

}  // namespace

Plugins::Plugins() : catalog_(strategy_catalog().begin(), strategy_catalog().end()) {}

Result<void> Plugins::load(const std::string& path) {
    const Result<std::shared_ptr<const Library>> library = open_library(path);
    if (!library) {
        return tl::unexpected(library.error());
    }
    StrategySpec spec = spec_of(*library);
    if (const StrategySpec* const taken = find_strategy(spec.name, catalog_); taken != nullptr) {
        return refuse(fmt::format("'{}' names its strategy {}, as {} already; give it another name", path, spec.name,
                                  taken->is_plugin ? "another library does" : "one of alpha's own is"));
    }
    notes_[note_of(spec.name)] = to_hex((*library)->file_hash);
    const auto behind = std::ranges::upper_bound(catalog_, spec.name, {}, &StrategySpec::name);
    catalog_.insert(behind, std::move(spec));
    return {};
}

std::vector<std::string> Plugins::differences(const Notes& noted) const {
    std::vector<std::string> found;
    for (const auto& [key, hash] : notes_) {
        const auto before = noted.find(key);
        if (before != noted.end() && before->second != hash) {
            found.push_back(fmt::format("the library of the strategy {} is not the one that the journal was written "
                                        "with: its SHA-256 is {}, and it was {}",
                                        key.substr(note_of("").size()), hash, shown(before->second)));
        }
    }
    return found;
}

}  // namespace alpha
