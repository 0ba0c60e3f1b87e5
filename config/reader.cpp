#include "config/reader.hpp"

#include "adapters/data/foreign.hpp"
#include "adapters/data/import.hpp"
#include "adapters/data/stream.hpp"
#include "config/brokers.hpp"
#include "config/fields.hpp"
#include "config/keys.hpp"
#include "config/market.hpp"
#include "config/zones.hpp"
#include "events/assert.hpp"
#include "events/limits.hpp"
#include "store/data_set.hpp"
#include "strategies/catalog.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>

namespace alpha::config {

namespace {

class ScenarioReader {
public:
    ScenarioReader(const std::vector<Item>& nodes, const std::string& path, Findings& findings)
        : nodes_(&nodes), findings_(&findings), root_(findings, nodes, kRoot, "", &nodes.front()) {
        scenario_.path = path;
    }

    /// Call once. What it returns is complete if there were no errors.
    Scenario read() {
        config().name = root_.name("name").value_or("");
        read_instruments();
        read_data();
        read_brokers();
        read_portfolios();
        warn_of_unused_brokers();
        read_plugins();
        read_strategies();
        warn_of_shared_positions();
        complain_unregistered();
        read_charges();
        read_products();
        read_margins();
        read_calendars();
        read_actions();
        read_settlements();
        read_risk();
        config().snapshot_interval = root_.duration("snapshot_interval").value_or(Duration{});
        scenario_.notify = root_.text("notify").value_or("");
        return std::move(scenario_);
    }

    /// The configuration with what may change read anew, from a tree as SettingsTree makes it.
    RunConfigured reread(const RunConfigured& present, const Plugins& plugins) {
        scenario_.plugins = plugins;
        config() = present;
        is_reread_ = true;
        config().brokers.clear();
        config().charges = {};
        config().risk.clear();
        config().allowed_instruments.clear();
        // Whatever data there was, it is in the log.
        has_quotes_ = has_bars_ = true;
        for (std::uint32_t i = 0; i < present.instruments.size(); ++i) {
            instrument_ids_.emplace(present.instruments[i].name, InstrumentId{i});
        }
        read_several_brokers();
        const Item* strategies = root_.value("strategies");
        for (std::size_t s = 0; s < present.strategies.size(); ++s) {
            StrategyConfig& strategy = config().strategies[s];
            Fields fields = this->fields(kStrategy, "strategies." + strategy.name, &node(strategies->entries[s]));
            if (const StrategySpec* spec = find_strategy(strategy.use, scenario_.plugins.catalog())) {
                strategy.params = read_params(fields, *spec, strategy);
            }
        }
        read_charges();
        Fields account = fields(kAccount, "account", root_.child("account"));
        read_leverage(account);
        read_risk();
        config().snapshot_interval = root_.duration("snapshot_interval").value_or(Duration{});
        return std::move(config());
    }

private:
    RunConfigured& config() { return scenario_.config; }
    Fields fields(const Section& section, std::string where, const Item* node) {
        return {*findings_, *nodes_, section, std::move(where), node};
    }
    const Item& node(const Item::Entry& entry) const { return (*nodes_)[entry.value]; }
    /// What a path in the scenario leads to.
    std::string beside_scenario(const std::string& file) const {
        return (std::filesystem::path(scenario_.path).parent_path() / file).lexically_normal().string();
    }

    /// The entries of a root key's map whose keys are the user's names; bad names are complained
    /// about.
    std::vector<const Item::Entry*> named_entries(std::string_view key, std::string_view example, std::size_t most) {
        const Item* map = root_.child(key);
        std::vector<const Item::Entry*> out;
        if (map == nullptr || map->kind == Item::Kind::nothing) {
            return out;
        }
        if (map->kind != Item::Kind::map) {
            root_.error(key, "expects a map of names, found {}; write {}", kind_text(*map), example);
            return out;
        }
        if (map->entries.size() > most) {
            root_.error(key, "holds {} entries; write at most {}", map->entries.size(), most);
            return out;
        }
        std::set<std::string_view> seen;
        for (const Item::Entry& entry : map->entries) {
            if (!is_name(entry.key)) {
                findings_->error(entry.at, "{}: {} is not a name; write 1 to {} printable characters", key,
                                 in_quotes(entry.key), limits::kMaxNameBytes);
            } else if (seen.insert(entry.key).second) {
                out.push_back(&entry);
            }
        }
        return out;
    }
    /// The entries of a root key's list.
    std::span<const Item::Entry> listed_entries(std::string_view key, const Section& section) {
        const Item* list = root_.value(key);
        if (list == nullptr || list->kind == Item::Kind::nothing) {
            return {};
        }
        if (list->kind != Item::Kind::list) {
            root_.error(key, "expects a list, found {}; write [{}]", kind_text(*list), section.example);
            return {};
        }
        return list->entries;
    }

    // ---- instruments

    InstrumentId instrument_id(const std::string& name) {
        const auto [found, is_new] =
            instrument_ids_.emplace(name, InstrumentId{static_cast<std::uint32_t>(config().instruments.size())});
        if (is_new) {
            Instrument instrument = config().default_instrument;
            instrument.name = name;
            if (registry_) {
                ask_registry(found->second, instrument);
            }
            config().instruments.push_back(std::move(instrument));
        }
        return found->second;
    }
    void read_instrument(Fields& given, Instrument& instrument) {
        instrument.tick = given.price("tick").value_or(instrument.tick);
        if (const auto lot = given.decimal("lot")) {
            instrument.lot = Qty{static_cast<std::int64_t>(lot->raw)};
        }
        instrument.hours = given.hours("session").value_or(instrument.hours);
        if (given.has("session") || given.has("calendar")) {  // the default is no word of the user's
            scenario_.with_session.insert(instrument.name);
        }
        instrument.exchange = given.name("exchange").value_or(instrument.exchange);
        if (given.has("group")) {
            instrument.group = given.name("group").value_or("");
        }
        if (given.has("calendar") && given.has("session")) {
            given.error("session", "cannot stand beside calendar, which says when it trades; keep one of them");
        }
        if (given.has("session")) {
            instrument.calendar.clear();  // the default's
        }
        if (given.has("calendar")) {
            instrument.calendar = given.name("calendar").value_or("");
            calendar_places_.emplace(instrument.calendar, NamedAt{given.path("calendar"), given.place("calendar")});
        }
    }
    /// What only an instrument of its own can say.
    void read_terms(Fields& given, Instrument& instrument) {
        const std::string kind = given.choice("kind").value_or("");
        for (const InstrumentKind each : {InstrumentKind::share, InstrumentKind::index, InstrumentKind::future,
                                          InstrumentKind::call, InstrumentKind::put, InstrumentKind::other}) {
            instrument.kind = kind == name_of(each) ? each : instrument.kind;
        }
        instrument.isin = given.name("isin").value_or(instrument.isin);
        if (const auto freeze = given.decimal("freeze")) {
            instrument.freeze = Qty{static_cast<std::int64_t>(freeze->raw)};
        }
        instrument.expiry = given.date("expiry").value_or(instrument.expiry);
        if (const auto multiplier = given.has("multiplier") ? given.count("multiplier") : std::nullopt) {
            instrument.multiplier = static_cast<std::int64_t>(*multiplier);
        }
        if (given.has("strike")) {
            instrument.strike = given.price("strike").value_or(Price{});
        }
        if (given.has("underlying")) {
            instrument.underlying = given.name("underlying").value_or("");
        }
        if (given.has("settlement")) {
            instrument.is_delivered = given.choice("settlement") == "delivery";
        }
        const bool is_settled = instrument.is_option() && instrument.expires() && !instrument.underlying.empty();
        if (is_settled && instrument.strike.raw == 0 && !given.has("strike")) {
            given.error("underlying", "settles an option by its strike, which is not written; add strike: 25000");
        }
    }
    void read_instruments() {
        Fields by_default = fields(kDefaultInstrument, "default_instrument", root_.child("default_instrument"));
        read_instrument(by_default, config().default_instrument);
        const auto entries = named_entries("instruments", kInstrumentsExample, limits::kMaxInstruments);
        for (const Item::Entry* entry : entries) {
            if (entry->key == "registry" && node(*entry).kind == Item::Kind::text) {
                open_registry(node(*entry).text, entry->at);
            }
        }
        for (const Item::Entry* entry : entries) {
            if (entry->key == "registry" && node(*entry).kind == Item::Kind::text) {
                continue;
            }
            const InstrumentId id = instrument_id(entry->key);
            Fields given = fields(kInstrument, "instruments." + entry->key, &node(*entry));
            read_instrument(given, config().instruments[id.value]);
            read_terms(given, config().instruments[id.value]);
            written_.insert(entry->key);
            // What is written holds over all that the registry says; mistakes have been told.
            Findings told;
            for (DatedInstrument& dated : scenario_.dated) {
                if (dated.instrument == id) {
                    Fields again(told, *nodes_, kInstrument, "instruments." + entry->key, &node(*entry));
                    read_instrument(again, dated.definition);
                    read_terms(again, dated.definition);
                }
            }
        }
    }

    void open_registry(const std::string& path, Place at) {
        const std::string beside = beside_scenario(path);
        scenario_.tables.push_back(beside);
        Result<InstrumentSource> source = InstrumentSource::open(beside);
        if (!source) {
            findings_->error(at, "instruments.registry: {}", source.error().message);
            return;
        }
        registry_.emplace(std::move(*source));
        registry_at_ = at;
    }
    /// What the registry says of the instrument: as first, and from later days on.
    void ask_registry(InstrumentId id, Instrument& instrument) {
        const auto versions = registry_->versions_of(instrument);
        if (!versions) {
            not_registered_.emplace(instrument.name, versions.error().message);
            return;
        }
        instrument = versions->front().second;
        for (const auto& [from, definition] : *versions) {
            scenario_.dated.push_back({id, from, definition});
        }
    }
    /// An instrument that nobody describes.
    void complain_unregistered() {
        for (const auto& [name, why] : not_registered_) {
            if (!written_.contains(name)) {
                findings_->error(registry_at_, "instruments.registry: {}", why);
            }
        }
    }

    // ---- data

    void read_data() {
        const Item* list = root_.child("data");
        const auto entries = listed_entries("data", kData);
        if (list != nullptr &&
            (list->kind == Item::Kind::nothing || (list->kind == Item::Kind::list && list->entries.empty()))) {
            root_.error("data", "is empty; write at least one entry, such as [{}]", kData.example);
        }
        for (const Item::Entry& entry : entries) {
            Fields data = fields(kData, "data", &node(entry));
            if (node(entry).kind == Item::Kind::nothing || (node(entry).kind == Item::Kind::map && !data.has("file") &&
                                                            !data.has("synth") && !data.has("stream"))) {
                findings_->error(node(entry).at,
                                 "data: an entry needs a file, a stream or synth; write {} or {{synth: {}}}",
                                 kData.example, kSynth.example);
            } else if (data.has("synth")) {
                read_synth(data);
            } else {
                read_file(data);
            }
        }
    }
    void read_synth(Fields& data) {
        for (const std::string_view key :
             {"file", "stream", "idle", "clock", "gives_again", "kind", "instrument", "interval", "max_gap", "tz",
              "from", "until", "map", "dates", "decimals", "duplicates", "resample"}) {
            if (data.has(key)) {
                data.error(key, "describes a file and cannot stand beside synth; make it an entry of its own");
            }
        }
        Fields fields = this->fields(kSynth, "data.synth", data.child("synth"));
        SynthSpec spec;
        spec.seed = fields.count("seed").value_or(spec.seed);
        spec.ticks = fields.count("ticks").value_or(spec.ticks);
        spec.first_day = fields.date("first_day").value_or(spec.first_day);
        spec.instruments.clear();
        for (Fields::NameAt& name : fields.names("instruments")) {
            spec.instruments.push_back(std::move(name.name));
        }
        has_quotes_ = true;
        DataSource source;
        source.kind = DataKind::quotes;
        source.synth = std::move(spec);
        scenario_.data.push_back(std::move(source));
    }
    void read_stream(Fields& data, DataSource& source) {
        if (data.has("file")) {
            data.error("file", "cannot stand beside stream; make it an entry of its own");
        }
        const auto stream = data.file("stream");
        if (!stream) {
            return;
        }
        source.stream = *stream;
        constexpr std::string_view kUnix = "unix:";
        if (source.stream.starts_with(kUnix) && source.stream.size() > kUnix.size()) {
            const std::filesystem::path folder = std::filesystem::path(scenario_.path).parent_path();
            source.stream =
                std::string(kUnix) + (folder / source.stream.substr(kUnix.size())).lexically_normal().string();
        }
        if (const std::string why = stream_refusal(source.stream); !why.empty()) {
            data.error("stream", "{} {}", in_quotes(*stream), why);
        }
        const auto is_stdin = [](const DataSource& each) { return each.stream == "stdin"; };
        if (source.stream == "stdin" && std::ranges::any_of(scenario_.data, is_stdin)) {
            data.error("stream", "stdin is another entry's already; there is only one");
        }
        source.idle = data.duration("idle").value_or(Duration{});
        source.is_clocked = data.choice("clock") == "wall";
    }
    /// How the files of other programs are read. They are files: of streams and data sets each key is refused.
    void read_foreign(Fields& data, DataSource& source, bool is_file) {
        if (!is_file) {
            for (const std::string_view key :
                 {"tz", "from", "until", "map", "dates", "decimals", "duplicates", "resample"}) {
                if (data.has(key)) {
                    data.error(key, "says how a file of text is read, and this is {}; leave it out",
                               source.is_stream() ? "a stream" : "none");
                }
            }
            return;
        }
        ForeignOptions& options = source.foreign;
        if (const auto tz = data.has("tz") ? data.text("tz") : std::nullopt) {
            auto zone = zone_of_data(*tz);
            if (zone) {
                options.zone = std::move(*zone);
            } else {
                data.error("tz", "{}", zone.error().message);
            }
        }
        const auto bound = [&](std::string_view key, std::optional<DataBound>& into) {
            const auto text = data.has(key) ? data.text(key) : std::nullopt;
            if (!text) {
                return;
            }
            if (const auto read = parse_bound(*text)) {
                into = *read;
            } else {
                data.error(key, "{}", read.error().message);
            }
        };
        bound("from", options.from);
        bound("until", options.to);
        if (options.from && options.to && is_empty_range(*options.from, *options.to)) {
            data.error("until", "nothing lies between from {} and until {}; exchange them",
                       data.text("from").value_or(""), data.text("until").value_or(""));
            options.from.reset();  // that the file has no such row would be said as well
            options.to.reset();
        }
        if (const Item* const map = data.has("map") ? data.child("map") : nullptr) {
            if (map->kind != Item::Kind::map) {
                data.error("map", "expects a map, found {}; write {{close: Adj Close}}", kind_text(*map));
            }
            for (const Item::Entry& entry : map->entries) {
                if (map->kind == Item::Kind::map) {
                    options.columns.emplace_back(entry.key, node(entry).text);
                }
            }
        }
        if (const auto dates = data.has("dates") ? data.choice("dates") : std::nullopt) {
            options.dates = *dates == "dmy" ? DateOrder::dmy : *dates == "mdy" ? DateOrder::mdy : DateOrder::ymd;
        }
        if (const auto decimals = data.has("decimals") ? data.count("decimals") : std::nullopt) {
            options.decimals = static_cast<std::uint32_t>(*decimals);
        }
        if (const auto which = data.has("duplicates") ? data.choice("duplicates") : std::nullopt) {
            options.duplicates = *which == "first" ? Duplicates::first : Duplicates::last;
        }
        if (const auto length = data.has("resample") ? data.duration("resample") : std::nullopt) {
            options.resample = *length;
        }
    }
    /// What the scenario leaves open of a file, the file says. Its times are read as of any zone: how far apart they are is all that
    /// is asked here, and whose clock they are of is asked when they are read. False: it cannot be understood.
    bool complete(Fields& data, DataSource& source) {
        const auto all_day = [](const std::string&) { return std::optional<markets::DayTimes>(markets::DayTimes{}); };
        const bool was_given = data.has("kind");
        const auto told = complete_from_csv(source, !was_given, all_day);
        if (!told) {
            data.error("file", "{}", told.error().message);
        }
        return told.has_value();
    }
    void read_file(Fields& data) {
        DataSource source;
        const auto file = data.has("file") ? data.file("file") : std::nullopt;
        if (data.has("stream")) {
            read_stream(data, source);
        } else if (data.has("idle")) {
            data.error("idle", "is how long a silent stream is waited for, and a file is never silent; leave it out");
        } else if (data.has("clock")) {
            data.error("clock",
                       "is whose clock stamps a stream's lines, and a file's are stamped already; leave it out");
        }
        source.gives_again = data.flag("gives_again").value_or(true);
        if (data.has("gives_again") && !source.is_clocked) {
            data.error("gives_again", "goes with a stream and clock: wall alone; leave it out");
        }
        const auto kind = data.choice("kind");
        const auto instrument = data.name("instrument");
        const auto interval = data.duration("interval");
        bool is_set = false;
        bool is_text = false;
        if (file) {
            source.file = beside_scenario(*file);
            std::error_code error;
            const auto status = std::filesystem::status(source.file, error);
            const bool is_several =
                std::filesystem::is_directory(status) || file->find_first_of("*?") != std::string::npos;
            if (const Result<bool> exists = is_there(source.file); !exists) {
                data.error("file", "{}", exists.error().message);
            } else if (is_several) {
                const auto files = files_of(source);
                is_text = files.has_value();
                if (!files) {
                    data.error("file", "{}", files.error().message);
                }
            } else if (!*exists) {
                data.error("file",
                           "{} does not exist (looked for {}); write its path relative to the "
                           "scenario",
                           in_quotes(*file), source.file);
            } else if (!std::filesystem::is_regular_file(status)) {
                data.error(
                    "file",
                    "{} is not a file; write the path of a CSV or a data set, or stream: stdin for what is sent to "
                    "standard input",
                    in_quotes(*file));
            } else {
                is_set = looks_like_data_set(source.file);
                is_text = !is_set;
            }
        }
        source.kind = kind == "bars" ? DataKind::bars : kind == "trades" ? DataKind::trades : DataKind::quotes;
        source.instrument = instrument.value_or("");
        source.interval = interval.value_or(Duration{});
        source.max_gap = data.duration("max_gap").value_or(kUsualGap);
        read_foreign(data, source, is_text || (file && !is_set));
        bool is_understood = false;
        if (is_set) {
            is_understood = read_data_set(data, source);
        } else if (is_text) {
            const bool is_open = !data.has("kind") || (kind == "bars" && !interval);
            is_understood = !is_open || complete(data, source);
            all_bars_known_ =
                all_bars_known_ && (source.kind != DataKind::bars || (instrument && source.foreign.only.empty()));
        } else if (source.is_stream()) {
            if (!data.has("kind")) {
                data.complain_missing("kind");
            }
            if (kind == "bars" && !data.has("interval")) {
                data.complain_missing("interval");
            }
            all_bars_known_ = all_bars_known_ && (kind != "bars" || instrument.has_value());
        }
        // Of a file that was refused nobody knows what it holds: nothing more is said of that.
        const bool is_kind_known = kind || is_understood;
        all_bars_known_ = all_bars_known_ && is_kind_known;
        has_quotes_ = has_quotes_ || !is_kind_known || source.kind != DataKind::bars;
        has_bars_ = has_bars_ || !is_kind_known || source.kind == DataKind::bars;
        if (source.is_clocked && source.kind == DataKind::bars) {
            data.error("clock", "wall goes with quotes and trades alone: a bar is sent when it closes, and its open "
                                "would always come too "
                                "late; leave it out");
        }
        if (source.is_clocked && root_.child("data")->entries.size() > 1) {
            data.error("clock", "wall needs a session of its own: with other entries beside it nobody knows what may "
                                "still come of them; leave it or them out");
        }
        if (source.kind != DataKind::bars && is_kind_known) {
            for (const std::string_view key : {"instrument", "interval"}) {
                if (data.has(key)) {
                    data.error(key, "is for bars; {} name their instruments in the file, so leave it out",
                               name_of(source.kind));
                }
            }
        }
        if (!source.instrument.empty() && source.kind == DataKind::bars) {
            if (source.interval.ns != 0) {
                bar_intervals_[source.instrument].insert(source.interval);
            }
            instrument_id(source.instrument);
        }
        scenario_.data.push_back(std::move(source));
    }
    /// A data set knows what it holds; what is written beside it must agree.
    /// False: it cannot be read, which is for the feed to refuse, as data.
    bool read_data_set(Fields& data, DataSource& source) {
        const auto reader = DataSetReader::open(source.file);
        if (!reader) {
            return false;
        }
        const DataSetInfo& info = (*reader)->info();
        if (data.has("kind") && source.kind != info.kind) {
            data.error("kind", "the data set holds {}; write kind: {} or leave it out", name_of(info.kind),
                       name_of(info.kind));
        }
        if (info.kind == DataKind::bars && source.interval.ns != 0 && source.interval != info.interval) {
            data.error("interval", "the data set holds bars of {}; write that or leave it out",
                       to_string(info.interval));
        }
        source.kind = info.kind;
        source.interval = info.interval;
        for (const std::string& symbol : info.symbols) {
            if (info.kind == DataKind::bars) {
                bar_intervals_[symbol].insert(info.interval);
            }
        }
        return true;
    }

    // ---- account and portfolios

    void read_leverage(Fields& account) {
        const std::string text = account.text("leverage").value_or("1");
        if (text == "none") {
            return;
        }
        constexpr Decimal kLeast{kScale / 100};
        constexpr Decimal kMost = decimal_of(1'000);
        const Result<Decimal> leverage = parse_decimal(text);
        if (!leverage || *leverage < kLeast || *leverage > kMost) {
            account.error("leverage", "{} is no leverage; write a number from 0.01 to 1000, or none", in_quotes(text));
            return;
        }
        config().risk.push_back({Rule::buying_power, *leverage});
    }

    void read_portfolios() {
        const Item* node = root_.child("account");
        Fields account = fields(kAccount, "account", node);
        config().currency = account.currency("currency").value_or("");
        read_leverage(account);
        const auto cash = account.money("cash");
        const auto entries = named_entries("portfolios", kPortfoliosExample, limits::kMaxPortfolios);
        bool all_known = true;
        Money sum;
        for (const Item::Entry* entry : entries) {
            Fields portfolio = fields(kPortfolio, "portfolios." + entry->key, &this->node(*entry));
            const auto own = portfolio.money("cash");
            all_known = all_known && own.has_value();
            sum += own.value_or(Money{});
            config().portfolios.push_back({entry->key, own.value_or(Money{})});
            // Of a scenario with `broker`, the strategies may name it instead.
            const bool must_name = several_brokers_ && config().brokers.size() > 1;
            portfolio_brokers_.push_back(must_name || portfolio.has("broker")
                                             ? std::optional(index_of(portfolio, "broker", config().brokers))
                                             : std::nullopt);
        }
        if (entries.empty()) {
            if (node != nullptr && !account.has("cash")) {
                account.complain_missing("cash");
            }
            config().portfolios.push_back({"main", cash.value_or(Money{})});
            portfolio_brokers_.emplace_back();
            if (several_brokers_ && config().brokers.size() > 1 && !root_.has("portfolios")) {
                root_.error("brokers",
                            "there are {}, and no portfolio names its own; write portfolios, such as "
                            "{{main: {{cash: 1000000, broker: {}}}}}",
                            config().brokers.size(), config().brokers.front().name);
            }
        } else if (cash && all_known && sum > *cash) {
            account.error("cash",

                          "the portfolios hold {}, more than the account's {}; write at least {}, or "
                          "leave it out",
                          to_string(sum), to_string(*cash), to_string(sum));
        } else if (cash && all_known && sum < *cash) {
            account.warn("cash",

                         "the portfolios hold only {} of the account's {}; the rest is not traded", to_string(sum),
                         to_string(*cash));
        }
    }

    // ---- brokers

    void read_brokers() {
        if (root_.has("brokers")) {
            return read_several_brokers();
        }
        const auto entries = named_entries("broker", kBrokerExample, limits::kMaxBrokers);
        if (entries.empty()) {
            read_broker(std::string(broker_catalog().front().kind), nullptr,
                        root_.has("broker") ? root_.place("broker") : root_.place("data"));
        }
        for (const Item::Entry* entry : entries) {
            read_broker(entry->key, &node(*entry), entry->at);
        }
    }
    void read_several_brokers() {
        several_brokers_ = true;
        if (root_.has("broker")) {
            root_.error("brokers", "cannot stand beside broker; keep one of them");
        }
        const Item* map = root_.value("brokers");
        if (map->kind == Item::Kind::nothing || (map->kind == Item::Kind::map && map->entries.empty())) {
            root_.error("brokers", "is empty; write at least one, such as {}", kBrokersExample);
        }
        for (const Item::Entry* entry : named_entries("brokers", kBrokersExample, limits::kMaxBrokers)) {
            Fields broker = fields(brokers_section(), "brokers." + entry->key, &node(*entry));
            const BrokerSpec& spec = kind_within(broker);
            Fields settings = fields(settings_section(spec), broker.path(spec.kind), broker.value(spec.kind));
            add_broker(entry->key, spec, settings, entry->at);
            broker_places_.push_back(entry->at);
        }
    }
    /// The one kind that an entry of `brokers` names.
    static const BrokerSpec& kind_within(Fields& broker) {
        const BrokerSpec* found = nullptr;
        for (const BrokerSpec& spec : broker_catalog()) {
            if (found != nullptr && broker.has(spec.kind)) {
                broker.error(spec.kind, "cannot stand beside {}; a broker is of one kind", found->kind);
            } else if (broker.has(spec.kind)) {
                found = &spec;
            }
        }
        if (found == nullptr) {
            found = &broker_catalog().front();
            broker.complain_missing(found->kind);
        }
        return *found;
    }
    /// The kind that an entry of `broker` says, or is named after; null where that is no kind.
    const BrokerSpec* kind_of(const std::string& name, const Item* broker) const {
        std::string_view kind = name;
        for (const Item::Entry& entry : broker == nullptr ? std::span<const Item::Entry>() : broker->entries) {
            kind = entry.key == "kind" ? std::string_view(node(entry).text) : kind;
        }
        return find_broker(kind);
    }
    void read_broker(const std::string& name, const Item* node, Place at) {
        const BrokerSpec* spec = kind_of(name, node);
        // Of a kind that nobody knows nothing but that is said: who could say which keys it has?
        std::optional<Item> kind_alone;
        if (spec == nullptr && node != nullptr) {
            kind_alone = *node;
            std::erase_if(kind_alone->entries, [](const Item::Entry& entry) { return entry.key != "kind"; });
            node = &*kind_alone;
        }
        spec = spec == nullptr ? &broker_catalog().front() : spec;
        Fields broker = fields(broker_section(*spec), "broker." + name, node);
        const bool is_map = node == nullptr || node->kind == Item::Kind::map || node->kind == Item::Kind::nothing;
        const std::vector<std::string_view> kinds = broker_kinds();
        if (name == "zerodha" && !broker.has("kind")) {
            findings_->error(at, "broker.zerodha: is not available yet; write {}", one_of(kinds));
        } else if (is_map && !broker.has("kind") && find_broker(name) == nullptr) {
            findings_->error(at, "broker: {} is no kind of broker; write {}, or {}: {{kind: {}}}", in_quotes(name),
                             one_of(kinds), name, kinds.front());
        }
        broker.choice("kind");
        add_broker(name, *spec, broker, at);
    }
    void add_broker(const std::string& name, const BrokerSpec& spec, Fields& given, Place at) {
        std::vector<Setting> settings;
        for (const Key& key : spec.keys) {
            const std::optional<std::string> value = given.setting(key);
            if (!value) {
                continue;
            }
            const Setting setting{std::string(key.name), *value};
            if (const auto good = spec.canonical({setting}); !good) {
                given.error(key.name, "{}", good.error().message);
            } else {
                settings.push_back(setting);
            }
        }
        auto canonical = spec.canonical(settings);
        ALPHA_ASSERT(canonical, "settings that are good alone contradict each other");
        for (const SettingRemark& remark : spec.remarks(*canonical, {has_quotes_, has_bars_})) {
            const Place place = given.has(remark.key) ? given.place(remark.key) : at;
            if (remark.refuses) {
                findings_->error(place, "{}: {}", given.path(remark.key), remark.text);
            } else {
                findings_->warn(place, "{}: {}", given.path(remark.key), remark.text);
            }
        }
        config().brokers.push_back({name, std::string(spec.kind), std::move(*canonical)});
    }
    void warn_of_unused_brokers() {
        for (std::uint32_t b = 0; b < broker_places_.size() && broker_places_.size() > 1; ++b) {
            if (std::find(portfolio_brokers_.begin(), portfolio_brokers_.end(), b) == portfolio_brokers_.end()) {
                findings_->warn(broker_places_[b],
                                "brokers.{}: no portfolio belongs to it; give it one, or leave it out",
                                config().brokers[b].name);
            }
        }
    }

    // ---- strategies

    void read_plugins() {
        for (const Fields::NameAt& file : root_.files("plugins")) {
            const std::string path = beside_scenario(file.name);
            scenario_.libraries.push_back(path);
            if (const Result<void> loaded = scenario_.plugins.load(path); !loaded) {
                findings_->error(file.at, "plugins: {}", loaded.error().message);
                plugin_refused_ = true;
            }
        }
    }
    void read_strategies() {
        const auto entries = listed_entries("strategies", kStrategy);
        if (entries.empty()) {
            findings_->warn(root_.has("strategies") ? root_.place("strategies") : root_.at(),
                            "strategies: there are none; nothing will trade");
        }
        if (entries.size() > limits::kMaxStrategies) {
            root_.error("strategies", "holds {} entries; write at most {}", entries.size(), limits::kMaxStrategies);
            return;
        }
        std::map<std::string, Place> ids;
        for (const Item::Entry& entry : entries) {
            const Item& node = this->node(entry);
            if (node.kind == Item::Kind::nothing) {
                findings_->error(node.at, "strategies: this entry is empty; write {}", kStrategy.example);
                continue;
            }
            Fields strategy = fields(kStrategy, "strategies", &node);
            const auto id = strategy.name("id");
            if (id) {
                const auto [first, is_new] = ids.emplace(*id, strategy.place("id"));
                if (!is_new) {
                    strategy.error("id", "{} is already the id of the strategy at {}:{}; write another", in_quotes(*id),
                                   first->second.line, first->second.column);
                }
            }
            if (node.kind == Item::Kind::map) {
                read_strategy(strategy, id.value_or(""));
            }
        }
    }
    void read_strategy(Fields& strategy, std::string id) {
        StrategyConfig out;
        out.name = std::move(id);
        out.portfolio = PortfolioId{index_of(strategy, "portfolio", config().portfolios)};
        out.broker = broker_of(strategy, out.portfolio);
        for (const Fields::NameAt& name : strategy.names("instruments")) {
            out.instruments.push_back(instrument_id(name.name));
        }
        const std::string product = strategy.choice("product").value_or("none");
        for (const Product each : {Product::cnc, Product::mis, Product::nrml, Product::mtf}) {
            out.product = product == name_of(each) ? each : out.product;
        }
        product_places_.push_back(strategy.has("product") ? strategy.place("product") : strategy.at());
        const auto use = strategy.name("use");
        const std::span<const StrategySpec> catalog = scenario_.plugins.catalog();
        const StrategySpec* spec = use ? find_strategy(*use, catalog) : nullptr;
        if (use && spec == nullptr && !plugin_refused_) {
            std::vector<std::string_view> known;
            known.reserve(catalog.size());
            for (const StrategySpec& each : catalog) {
                known.push_back(each.name);
            }
            strategy.error("use", "there is no strategy {}; {}", in_quotes(*use), findings_->suggestion(*use, known));
        }
        if (spec != nullptr) {
            out.use = spec->name;
            out.params = read_params(strategy, *spec, out);
            const auto reads = std::ranges::find(spec->params, ParamKind::interval, &ParamSpec::kind);
            if (reads != spec->params.end() && !out.params.empty()) {
                check_interval(strategy, *spec, interval_param(out.params, reads->name), out.instruments);
            }
        }
        config().strategies.push_back(std::move(out));
    }
    /// One net position for two minds: what one buys the other may sell.
    void warn_of_shared_positions() {
        std::map<std::pair<PortfolioId, InstrumentId>, const StrategyConfig*> first;
        for (const StrategyConfig& strategy : config().strategies) {
            for (const InstrumentId instrument : strategy.instruments) {
                const auto [at, is_new] = first.try_emplace({strategy.portfolio, instrument}, &strategy);
                if (!is_new && at->second != &strategy) {
                    findings_->warn(
                        root_.has("strategies") ? root_.place("strategies") : root_.at(),
                        "strategies: {} and {} share the position in {} of portfolio {}; give each a portfolio "
                        "of its own unless that is meant",
                        at->second->name, strategy.name, config().instruments[instrument.value].name,
                        config().portfolios[strategy.portfolio.value].name);
                }
            }
        }
    }
    /// A strategy that reads bars of one interval has to say which, as far as the data is known.
    void check_interval(Fields& strategy, const StrategySpec& spec, Duration wanted,
                        const std::vector<InstrumentId>& instruments) {
        const Place at = strategy.has("params") ? strategy.place("params") : strategy.at();
        for (const InstrumentId id : instruments) {
            const std::string& name = config().instruments[id.value].name;
            const auto known = bar_intervals_.find(name);
            if (known == bar_intervals_.end()) {
                continue;
            }
            const std::vector<Duration> intervals(known->second.begin(), known->second.end());
            if (wanted == Duration{} && intervals.size() > 1) {
                findings_->error(at, "strategies.params: {}", which_interval(spec.name, name, intervals));
            } else if (wanted != Duration{} && all_bars_known_ && !known->second.contains(wanted)) {
                findings_->warn(at, "strategies.params: {} reads bars of {}, and the data has none of {}", spec.name,
                                to_string(wanted), in_quotes(name));
            }
        }
    }
    /// A portfolio belongs to one broker: the one it names, or else the one that the first of its strategies names.
    BrokerId broker_of(Fields& strategy, PortfolioId portfolio) {
        std::optional<std::uint32_t>& of_portfolio = portfolio_brokers_[portfolio.value];
        if (of_portfolio && !strategy.has("broker")) {
            return BrokerId{*of_portfolio};
        }
        const std::uint32_t named = index_of(strategy, "broker", config().brokers);
        if (of_portfolio && *of_portfolio != named) {
            strategy.error("broker", "its portfolio {} belongs to the broker {}; write that, or another portfolio",
                           in_quotes(config().portfolios[portfolio.value].name),
                           in_quotes(config().brokers[*of_portfolio].name));
        }
        of_portfolio = of_portfolio.value_or(named);
        return BrokerId{*of_portfolio};
    }
    /// The place in `all` of the portfolio or broker that is named, or of the only one.
    template <class Config>
    std::uint32_t index_of(Fields& given, std::string_view key, const std::vector<Config>& all) {
        std::vector<std::string_view> known;
        known.reserve(all.size());
        for (const Config& each : all) {
            known.push_back(each.name);
        }
        if (!given.has(key)) {
            if (all.size() > 1) {
                findings_->error(given.at(), "{} is missing, and there are {}; write {}: and {}", given.path(key),
                                 all.size(), key, known.size() <= 8 ? one_of(known) : "one of them");
            }
            return 0;
        }
        const auto name = given.name(key);
        const auto found = std::find(known.begin(), known.end(), name.value_or(""));
        if (name && found == known.end()) {
            given.error(key, "there is no {} {}; {}", key, in_quotes(*name), findings_->suggestion(*name, known));
        }
        return found == known.end() ? 0 : static_cast<std::uint32_t>(found - known.begin());
    }
    std::vector<Setting> read_params(Fields& strategy, const StrategySpec& spec, StrategyConfig out) {
        const Item* params = strategy.child("params");
        std::vector<std::string_view> known;
        known.reserve(spec.params.size());
        for (const ParamSpec& param : spec.params) {
            known.push_back(param.name);
        }
        std::vector<Setting> given;
        std::map<std::string_view, Place> places;
        std::set<std::string_view> complained;  // of these the catalog must not complain again
        if (params != nullptr && params->kind != Item::Kind::map && params->kind != Item::Kind::nothing) {
            strategy.error("params", "expects a map, found {}; write {{{}: ...}}", kind_text(*params),
                           known.empty() ? std::string_view() : known.front());
            return {};
        }
        // A view, not a copy: places and complained keep views of the keys.
        const std::span<const Item::Entry> entries =
            params == nullptr ? std::span<const Item::Entry>() : params->entries;
        for (const Item::Entry& entry : entries) {
            const Item& value = node(entry);
            if (std::find(known.begin(), known.end(), entry.key) == known.end()) {
                findings_->error(entry.at, "strategies.params: {} has no parameter {}; {}", spec.name,
                                 in_quotes(entry.key), findings_->suggestion(entry.key, known));
                // The parameter it was probably meant to be is not missing as well.
                const std::string close = did_you_mean(entry.key, known);
                const auto meant = std::find(known.begin(), known.end(), close);
                if (meant != known.end()) {
                    complained.insert(*meant);
                }
            } else if (value.kind != Item::Kind::text) {
                findings_->error(value.at, "strategies.params.{}: expects a value, found {}; write one", entry.key,
                                 kind_text(value));
                complained.insert(entry.key);
            } else if (places.emplace(entry.key, value.at).second) {
                given.push_back({entry.key, value.text});
            }
        }
        out.params = std::move(given);
        auto settings = validate_params(spec, out, config().instruments);
        if (settings) {
            return std::move(*settings);
        }
        for (const ParamError& error : settings.error()) {
            if (complained.contains(error.param)) {
                continue;
            }
            const auto place = places.find(error.param);
            const Place at = place != places.end()    ? place->second
                             : strategy.has("params") ? strategy.place("params")
                                                      : strategy.at();
            findings_->error(at, "strategies.params: {}", error.message);
        }
        return {};
    }

    // ---- charges and risk

    void read_charges() {
        const Item* node = root_.child("charges");
        if (node == nullptr || (node->kind == Item::Kind::text && node->text == "none")) {
            return;
        }
        if (node->kind == Item::Kind::text) {
            return read_charge_plan(node->text);
        }
        if (node->kind != Item::Kind::map) {
            root_.error("charges", "{} is unknown; write {}, or {}", kind_text(*node), describe_charges(),
                        kCharges.example);
            return;
        }
        Fields charges = fields(kCharges, "charges", node);
        config().charges.per_fill = charges.money("per_fill").value_or(Money{});
        config().charges.rate = charges.decimal("rate").value_or(Decimal{});
    }
    static std::string describe_charges() { return "none, zerodha, india or the path of a table"; }
    void read_charge_plan(const std::string& named) {
        if (is_reread_) {
            root_.error("charges", "{} is a table, and a fork keeps the session's; write none or {}", in_quotes(named),
                        kCharges.example);
            return;
        }
        const std::string file = beside_scenario(named);
        const bool is_file = is_table_file(named);
        Result<markets::ChargePlan> plan = is_file ? charges_of_file(file) : markets::embedded_charges(named);
        if (is_file) {
            scenario_.tables.push_back(file);
        }
        if (plan) {
            scenario_.market.charges = std::move(*plan);
        } else if (is_file) {
            root_.error("charges", "{}", plan.error().message);
        } else {
            static const std::vector<std::string_view> kKnown{"none", "zerodha", "india"};
            root_.error("charges", "{} is unknown; {}, or write the path of a table, or {}", in_quotes(named),
                        findings_->suggestion(named, kKnown), kCharges.example);
        }
    }
    /// The table that is named under a key: the program's, or one of a file. Nothing where there is an error.
    template <class Rules>
    std::optional<Rules> table_of(const char* key, const std::string& named,
                                  Result<Rules> (*embedded)(std::string_view),
                                  Result<Rules> (*of_file)(const std::string&)) {
        const bool is_file = is_table_file(named);
        const std::string file = beside_scenario(named);
        Result<Rules> rules = is_file ? of_file(file) : embedded(named);
        if (is_file) {
            scenario_.tables.push_back(file);
        }
        if (!rules) {
            static const std::vector<std::string_view> kKnown{"none", "zerodha"};
            is_file ? root_.error(key, "{}", rules.error().message)
                    : root_.error(key, "{} is unknown; {}, or write the path of a table", in_quotes(named),
                                  findings_->suggestion(named, kKnown));
            return std::nullopt;
        }
        return std::move(*rules);
    }
    void read_products() {
        const std::optional<std::string> written = root_.has("products") ? root_.text("products") : std::nullopt;
        const std::string named = written.value_or("zerodha");
        scenario_.declines_products = named == "none";
        if (named == "none" || (root_.has("products") && !written)) {
            return;
        }
        std::optional<ProductRules> rules = table_of("products", named, &markets::embedded_products, &products_of_file);
        if (!rules) {
            return;
        }
        // Who names a product where there are such means what the broker means by it.
        const auto means = [&](const StrategyConfig& strategy) {
            return strategy.product != Product::none && std::ranges::any_of(strategy.instruments, [&](InstrumentId id) {
                       return markets::have_products(*rules, config().instruments[id.value]);
                   });
        };
        if (written || std::ranges::any_of(config().strategies, means)) {
            scenario_.products = std::move(*rules);
            check_products();
        }
    }
    /// Who goes by the broker's products goes by its margins, too.
    void read_margins() {
        const bool is_written = root_.has("margins");
        const bool is_brokers = !scenario_.products.is_silent() && scenario_.products.name == "zerodha";
        const std::string named = is_written ? root_.text("margins").value_or("none") : is_brokers ? "zerodha" : "none";
        if (named != "none") {
            if (std::optional<MarginRules> rules =
                    table_of("margins", named, &markets::embedded_margins, &margins_of_file)) {
                scenario_.margins = std::move(*rules);
            }
        } else if (!is_written && std::ranges::any_of(config().instruments, &Instrument::is_option)) {
            root_.warn("instruments",
                       "options that are sold count with their premium alone; write margins: zerodha and a product, or "
                       "margins: none where that is meant");
        }
        if (is_written && !scenario_.margins.is_silent()) {
            warn_of_unnamed_margins();
        }
    }
    void warn_of_unnamed_margins() {
        for (const StrategyConfig& strategy : config().strategies) {
            const auto unnamed = std::ranges::find_if(strategy.instruments, [&](InstrumentId id) {
                return strategy.use != "script" &&
                       !markets::has_margin(scenario_.margins, config().instruments[id.value], strategy.product);
            });
            if (unnamed != strategy.instruments.end()) {
                root_.warn("margins", "{} of strategy {} in product {} has no row: account.leverage says what it asks",
                           config().instruments[unnamed->value].name, strategy.name, name_of(strategy.product));
            }
        }
    }
    /// A strategy whose every order would be refused.
    void check_products() {
        for (std::size_t s = 0; s < config().strategies.size(); ++s) {
            const StrategyConfig& strategy = config().strategies[s];
            for (const InstrumentId id : strategy.instruments) {
                const Instrument& instrument = config().instruments[id.value];
                if (strategy.use == "script" || markets::may_hold(scenario_.products, instrument, strategy.product)) {
                    continue;
                }
                const std::string known = markets::products_of(scenario_.products, instrument);
                findings_->error(product_places_[s], "strategies.product: {} is not one of {}; {}",
                                 name_of(strategy.product), instrument.name,
                                 known.empty() ? "its exchange has no products: leave it out, or write exchange: NSE "
                                                 "with the instrument"
                                               : "write " + known);
                break;
            }
        }
    }

    // ---- contracts

    void read_settlements() {
        for (const Instrument& each : config().instruments) {
            const bool is_contract = each.is_option() || each.kind == InstrumentKind::future;
            if (is_contract && each.expires() && !each.underlying.empty() &&
                !instrument_ids_.contains(each.underlying)) {
                root_.warn("instruments",
                           "{} is written on {}, which the scenario does not name: it is settled at its "
                           "own last price, unless settlements say another",
                           each.name, in_quotes(each.underlying));
            }
        }
        const auto named = root_.has("settlements") ? root_.file("settlements") : std::nullopt;
        if (!named) {
            return;
        }
        const std::string file = beside_scenario(*named);
        scenario_.tables.push_back(file);
        const Result<std::vector<SettlementRow>> rows = settlements_of_file(file);
        if (!rows) {
            root_.error("settlements", "{}", rows.error().message);
            return;
        }
        std::set<std::pair<std::string, Date>> seen;
        for (const SettlementRow& row : *rows) {
            if (!seen.emplace(row.instrument, row.date).second) {
                root_.error("settlements", "{} has two prices of {} on {}; leave one of them out", in_quotes(*named),
                            row.instrument, to_iso(row.date));
                return;
            }
            if (const auto id = instrument_ids_.find(row.instrument); id != instrument_ids_.end()) {
                scenario_.settlements.push_back({id->second, row.date, row.price});
            }
        }
        if (scenario_.settlements.empty() && !rows->empty()) {
            root_.error("settlements", "{} has no instrument that the scenario names; {}", in_quotes(*named),
                        findings_->suggestion(rows->front().instrument, known_instruments()));
        }
        std::ranges::stable_sort(scenario_.settlements, {}, &SettlementPrice::date);
    }

    // ---- corporate actions

    void read_actions() {
        const Item* node = root_.child("actions");
        if (node == nullptr || node->kind == Item::Kind::nothing) {
            return;
        }
        if (node->kind == Item::Kind::text) {
            read_actions_of(node->text, "", node->at);
        } else {
            for (const Item::Entry& entry : listed_entries("actions", kActions)) {
                const Item& each = this->node(entry);
                if (each.kind == Item::Kind::text) {
                    read_actions_of(each.text, "", each.at);
                    continue;
                }
                Fields given = fields(kActions, "actions", &each);
                const std::string instrument = given.name("instrument").value_or("");
                if (const auto file = given.file("file")) {
                    read_actions_of(*file, instrument, given.place("file"));
                }
            }
        }
        take_actions();
    }
    /// A row, and the file it came from.
    struct GivenAction {
        markets::ActionRow row;
        std::string file;
        Place at;
    };
    /// `instrument`: whose the file's actions are; empty: as its rows say.
    void read_actions_of(const std::string& named, const std::string& instrument, Place at) {
        const std::string file = beside_scenario(named);
        scenario_.tables.push_back(file);
        Result<std::vector<markets::ActionRow>> rows = actions_of_file(file);
        if (!rows) {
            findings_->error(at, "actions: {}", rows.error().message);
            return;
        }
        if (!instrument.empty() && !instrument_ids_.contains(instrument)) {
            findings_->error(at, "actions: nobody trades {}; {}", in_quotes(instrument),
                             findings_->suggestion(instrument, known_instruments()));
            return;
        }
        for (markets::ActionRow& row : *rows) {
            const std::string whose = instrument.empty() ? row.instrument : instrument;
            if (whose.empty() || (!row.instrument.empty() && row.instrument != whose)) {
                findings_->error(at, "actions: {}:{}: {}", file, row.place.line,
                                 whose.empty() ? "says of no instrument; add the column instrument, or write {file: "
                                                 "FILE, instrument: NAME}"
                                               : "is of another instrument than the scenario says");
                return;
            }
            row.instrument = whose;
            given_actions_.push_back({std::move(row), file, at});
        }
    }
    std::vector<std::string_view> known_instruments() const {
        std::vector<std::string_view> known;
        known.reserve(scenario_.config.instruments.size());
        for (const Instrument& each : scenario_.config.instruments) {
            known.push_back(each.name);
        }
        return known;
    }
    /// By day; what is renamed goes by either name.
    void take_actions() {
        std::ranges::stable_sort(given_actions_, {}, [](const GivenAction& each) { return each.row.action.ex_date; });
        std::map<std::string, InstrumentId> ids = instrument_ids_;
        std::set<std::string> files;
        std::set<std::string> with_any;
        for (const GivenAction& given : given_actions_) {
            files.insert(given.file);
            const auto id = ids.find(given.row.instrument);
            if (id == ids.end()) {
                continue;  // a table may be of all that is listed
            }
            with_any.insert(given.file);
            given.row.renamed.empty() ? take_action(given, id->second, ids) : take_rename(given, id->second, ids);
        }
        for (const GivenAction& given : given_actions_) {
            if (files.erase(given.file) != 0 && !with_any.contains(given.file)) {
                findings_->error(given.at, "actions: {} is of no instrument that the scenario names; {}",
                                 in_quotes(given.file),
                                 findings_->suggestion(given.row.instrument, known_instruments()));
            }
        }
        std::ranges::stable_sort(scenario_.actions, {}, [](const CorporateAction& action) {
            return std::pair(action.ex_date, action.instrument);
        });
    }
    void take_rename(const GivenAction& given, InstrumentId instrument, std::map<std::string, InstrumentId>& ids) {
        const auto& [row, file, at] = given;
        if (!is_name(row.renamed) || ids.contains(row.renamed)) {
            findings_->error(at, "actions: {}:{}: {} cannot be the new name: {}", file, row.place.line,
                             in_quotes(row.renamed),
                             is_name(row.renamed) ? "another instrument has it" : "it is not a name");
            return;
        }
        ids.emplace(row.renamed, instrument);
        scenario_.renames.push_back({instrument, row.action.ex_date, row.renamed});
    }
    void take_action(const GivenAction& given, InstrumentId instrument,
                     const std::map<std::string, InstrumentId>& ids) {
        const auto& [row, file, at] = given;
        CorporateAction action = row.action;
        action.instrument = action.other = instrument;
        if (!row.other.empty()) {
            const auto other = ids.find(row.other);
            if (other == ids.end() || other->second == instrument) {
                findings_->error(at, "actions: {}:{}: gives shares of {}, which {}", file, row.place.line,
                                 in_quotes(row.other),
                                 other == ids.end() ? "the scenario does not name; write it under instruments"
                                                    : "is the instrument itself");
                return;
            }
            action.other = other->second;
        }
        if (const Instrument& its = config().instruments[instrument.value];
            its.is_option() || its.kind == InstrumentKind::future) {
            findings_->error(at, "actions: {}:{}: {} is a contract, and actions are of shares", file, row.place.line,
                             its.name);
            return;
        }
        if (std::ranges::find(scenario_.actions, action) != scenario_.actions.end()) {
            findings_->error(at, "actions: {}:{}: says again what another row says; leave one of them out", file,
                             row.place.line);
            return;
        }
        scenario_.actions.push_back(std::move(action));
    }

    /// Who writes such a key believes that a calendar decides.
    void no_calendar(std::string_view key) {
        root_.error(key, "decides nothing: no instrument goes by a calendar; give them one, such as "
                         "default_instrument: {{calendar: NSE_EQ}}");
    }
    /// The calendars that instruments go by, with their zones.
    void read_calendars() {
        const auto unknown_days = root_.choice("calendar");
        scenario_.market.unknown_days =
            unknown_days == "strict" ? markets::UnknownDays::strict : markets::UnknownDays::lenient;
        Fields given = fields(kCalendars, "calendars", root_.child("calendars"));
        CalendarFiles files;
        for (const auto& [key, file] : {std::pair{"calendars", &files.calendars},
                                        std::pair{"sessions", &files.sessions}, std::pair{"days", &files.days}}) {
            if (const auto written = given.file(key)) {
                *file = beside_scenario(*written);
                scenario_.tables.push_back(*file);
            }
        }
        if (calendar_places_.empty() && !root_.has("calendars")) {
            if (root_.has("calendar") && unknown_days) {
                no_calendar("calendar");
            }
            return;
        }
        Result<std::vector<markets::CalendarDraft>> drafts = calendar_drafts(files);
        if (!drafts) {
            root_.error(root_.has("calendars") ? "calendars" : "calendar", "{}", drafts.error().message);
            return;
        }
        if (calendar_places_.empty()) {
            no_calendar("calendars");
            return;
        }
        std::vector<std::string_view> known;
        known.reserve(drafts->size());
        for (const markets::CalendarDraft& draft : *drafts) {
            known.push_back(draft.table.name);
        }
        for (const auto& [name, at] : calendar_places_) {
            const auto found = std::ranges::find(known, name);
            if (found == known.end()) {
                findings_->error(at.place, "{}: there is no calendar {}; {}", at.path, in_quotes(name),
                                 findings_->suggestion(name, known));
                continue;
            }
            Result<markets::Calendar> calendar =
                calendar_of((*drafts)[static_cast<std::size_t>(found - known.begin())]);
            if (!calendar) {
                findings_->error(at.place, "{}: {}", at.path, calendar.error().message);
                continue;
            }
            scenario_.market.calendars.push_back({calendar->table(), calendar->zone()});
        }
    }
    void read_risk() {
        Fields risk = fields(kRisk, "risk", root_.child("risk"));
        const auto add = [&](Rule rule, Decimal limit) { config().risk.push_back({rule, limit}); };
        for (const LimitKey& limit : limit_keys()) {
            if (limit.form == Form::decimal) {
                if (const auto value = risk.decimal(limit.key)) {
                    add(limit.rule, *value);
                }
            } else if (const auto value = risk.count(limit.key)) {
                add(limit.rule, decimal_of(static_cast<std::int64_t>(*value)));
            }
        }
        config().daily_loss_latch_ends =
            risk.choice("max_daily_loss_latch") == "until_released" ? LatchEnd::released : LatchEnd::trading_day;
        if (!risk.flag("allow_short").value_or(true)) {
            add(Rule::shorting, {});
        }
        if (risk.flag("session_hours").value_or(false)) {
            add(Rule::session_hours, {});
        }
        if (const auto age = risk.duration("max_data_age")) {
            constexpr std::int64_t kMicrosecondNs = 1'000;
            if (age->ns % kMicrosecondNs != 0) {
                risk.error("max_data_age", "is finer than a microsecond; write whole microseconds");
            }
            add(Rule::stale_data, Decimal{age->ns / (kSecondNs / kScale)});
        }
        read_allowed(risk);
        std::sort(config().risk.begin(), config().risk.end(),
                  [](const RiskLimit& a, const RiskLimit& b) { return a.rule < b.rule; });
    }
    void read_allowed(Fields& risk) {
        if (!risk.has("allowed_instruments")) {
            return;
        }
        std::vector<std::string_view> known;
        known.reserve(config().instruments.size());
        for (const Instrument& instrument : config().instruments) {
            known.push_back(instrument.name);
        }
        for (const Fields::NameAt& name : risk.names("allowed_instruments")) {
            const auto found = instrument_ids_.find(name.name);
            if (found != instrument_ids_.end()) {
                config().allowed_instruments.push_back(found->second);
                continue;
            }
            findings_->error(name.at, "risk.allowed_instruments: no strategy trades {}; {}", in_quotes(name.name),
                             findings_->suggestion(name.name, known));
        }
        std::sort(config().allowed_instruments.begin(), config().allowed_instruments.end());
        config().risk.push_back({Rule::allowed_instruments, {}});
    }

    const std::vector<Item>* nodes_;
    Findings* findings_;
    Fields root_;
    Scenario scenario_;
    std::map<std::string, InstrumentId> instrument_ids_;
    std::set<std::string> written_;  ///< instruments that `instruments` describes
    std::optional<InstrumentSource> registry_;
    Place registry_at_;
    std::map<std::string, std::string> not_registered_;            ///< why, by name
    bool several_brokers_ = false;                                 ///< `brokers` is given
    std::vector<Place> broker_places_;                             ///< of the names under `brokers`
    std::vector<std::optional<std::uint32_t>> portfolio_brokers_;  ///< by portfolio, as far as known
    bool has_quotes_ = false;                                      ///< or trades: finer than bars
    bool has_bars_ = false;
    bool is_reread_ = false;  ///< with settings of a fork
    struct NamedAt {
        std::string path;
        Place place;
    };
    std::vector<GivenAction> given_actions_;
    std::vector<Place> product_places_;                        ///< by strategy
    std::map<std::string, NamedAt> calendar_places_;           ///< by name, where each is named first
    bool plugin_refused_ = false;                              ///< it may have been the one that a strategy uses
    std::map<std::string, std::set<Duration>> bar_intervals_;  ///< by symbol
    bool all_bars_known_ = true;                               ///< whether these are all
};

}  // namespace

Scenario read_scenario(const std::vector<Item>& nodes, const std::string& path, Findings& findings) {
    return ScenarioReader(nodes, path, findings).read();
}

RunConfigured reread(const RunConfigured& present, const std::vector<Item>& nodes, const Plugins& plugins,
                     Findings& findings) {
    return ScenarioReader(nodes, "", findings).reread(present, plugins);
}

}  // namespace alpha::config
