#include "adapters/data/feed.hpp"

#include "adapters/data/bar_placement.hpp"
#include "adapters/data/csv.hpp"
#include "adapters/data/feed_position.hpp"
#include "adapters/data/record_stream.hpp"
#include "adapters/data/sender_records.hpp"
#include "adapters/data/set_source.hpp"
#include "adapters/data/stream.hpp"
#include "adapters/data/synth.hpp"
#include "events/assert.hpp"
#include "events/limits.hpp"
#include "store/wire.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <cstring>
#include <deque>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

namespace alpha {

namespace {

// ---- the merge --------------------------------------------------------------------------------------------------------

InstrumentId& instrument_of(MarketInput& event) {
    if (auto* const quote = std::get_if<QuoteTick>(&event)) [[likely]] {
        return quote->instrument;
    }
    return std::visit([](auto& of_kind) -> InstrumentId& { return of_kind.instrument; }, event);
}

/// Among records of one time: bar close, quote and trade, bar open. In positions, do not change.
int rank_of(const MarketInput& event) {
    constexpr int kClose = 0;
    constexpr int kTick = 1;
    constexpr int kOpen = 2;
    if (std::holds_alternative<QuoteTick>(event) || std::holds_alternative<TradeTick>(event)) {
        return kTick;
    }
    return std::holds_alternative<BarOpened>(event) ? kOpen : kClose;
}

struct NamedStream {
    std::string name;  ///< DataSource::name()
    SourceIdentity identity;
    std::unique_ptr<RecordStream> records;
    SenderRecords* senders = nullptr;  ///< the same, where they are a stream's
    Duration patience{};               ///< DataSource::idle
    bool is_clocked = false;           ///< DataSource::is_clocked
    Duration max_gap{};                ///< DataSource::max_gap
};

class MergedFeed final : public Feed {
public:
    MergedFeed(std::vector<NamedStream> streams, const Interrupt* interrupt, FeedWatch watch)
        : interrupt_(interrupt), watch_(std::move(watch)) {
        for (NamedStream& stream : streams) {
            absent_.push_back(inputs_.size());
            if (stream.senders != nullptr) {
                senders_.push_back(&stream.senders->senders());
            }
            Input& input = inputs_.emplace_back();
            input.name = std::move(stream.name);
            input.identity = std::move(stream.identity);
            input.stream = std::move(stream.records);
            input.senders = stream.senders;
            input.patience = std::chrono::nanoseconds(stream.patience.ns);
            input.can_be_late = stream.patience.ns != 0 || stream.is_clocked;
            input.max_gap = stream.max_gap;
            input.interval = input.stream->interval();
        }
        shares_bars_ = std::ranges::count_if(inputs_, &Input::has_bars) > 1;
        follows_taken_ = !senders_.empty() && watch_.taken_before != nullptr;
    }

    Result<std::span<const FeedRecord>> next() override {
        begin_batch();
        while (!error_) {
            must_wait_ = false;
            longest_wait_ = Senders::kForEver;
            const std::span<const FeedRecord> records = follows_taken_        ? next_of_taken()
                                                        : inputs_.size() == 1 ? next_of_only()
                                                                              : next_of_many();
            if (!records.empty() || (!error_ && !must_wait_)) {
                return records;
            }
            if (!error_ && !wait_for_any(senders_, interrupt_, longest_wait_)) {
                error_ = Error{ErrorKind::interrupted, "reading was ended"};
            }
        }
        return tl::unexpected(*error_);
    }

    const std::vector<std::string>& symbols() const override { return symbols_.names(); }

    FeedProgress progress() const override {
        FeedProgress sum;
        for (const Input& input : inputs_) {
            const FeedProgress one = input.stream->progress();
            sum.done += one.done;
            sum.total += one.total;
        }
        return sum;
    }

    void save_position(std::size_t taken, ByteBuffer& out) const override {
        ALPHA_ASSERT(taken <= size_, "a position is one within the last batch");
        std::vector<std::size_t> consumed;
        consumed.reserve(inputs_.size());
        for (const Input& input : inputs_) {
            consumed.push_back(input.consumed_before);
        }
        FeedPosition position;
        position.last = last_before_;
        std::size_t from = 0;
        for (const Run& run : runs_) {
            const std::size_t to = std::min(run.end, taken);
            if (from < to) {
                if (run.input != kNobody) {
                    consumed[run.input] += to - from;
                }
                position.last = key_of(run.input, record_at(to - 1));
            }
            from = to;
        }
        for (const Drop& drop : drops_) {
            consumed[drop.input] += drop.behind <= taken ? 1U : 0U;
        }
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            position.sources.push_back({inputs_[i].identity, inputs_[i].stream->place_after(consumed[i])});
        }
        for (const Shown& shown : shown_) {
            if (shown.end <= taken && shown.moment == moment_of(position.last)) {
                position.shown.push_back(shown.bar);
            }
        }
        std::size_t names = symbols_.names().size();
        for (const std::size_t at : named_at_) {
            names -= at >= taken ? 1U : 0U;
        }
        position.symbols = std::span(symbols_.names()).first(names);
        put_position(out, position);
    }

    /// Goes to the position, before the first next().
    Result<void> resume(Bytes bytes) {
        std::vector<std::string> symbols;
        const auto position = read_position(bytes, symbols);
        if (!position) {
            return tl::unexpected(position.error());
        }
        for (std::size_t i = 0; i < std::max(inputs_.size(), position->sources.size()); ++i) {
            const bool is_there = i < inputs_.size();
            const bool was_there = i < position->sources.size();
            if (is_there && was_there && inputs_[i].identity == position->sources[i].identity) {
                continue;
            }
            return fail(
                ErrorKind::data,
                fmt::format("{}: the data changed: source {} {}, and when the position was taken {}; give the same "
                            "sources in the same order, or begin a new session",
                            is_there ? inputs_[i].identity.name : position->sources[i].identity.name, i + 1,
                            is_there ? "is " + text_of(inputs_[i].identity) : "is missing",
                            was_there ? "was " + text_of(position->sources[i].identity) : "there was none"));
        }
        for (const std::string& symbol : symbols) {
            symbols_.add(symbol);
        }
        last_before_ = position->last;
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            inputs_[i].is_new = true;
            if (auto there = inputs_[i].stream->resume(position->sources[i].place); !there) {
                return there;
            }
        }
        moment_ = moment_of(position->last);
        for (const ShownBar& bar : position->shown) {
            if (!inputs_[bar.source].has_bars()) {
                return fail(ErrorKind::data, "The feed's position is damaged; begin a new session.");
            }
            show(bar, 0);
        }
        return {};
    }

private:
    struct Input {
        std::string name;
        SourceIdentity identity;
        std::unique_ptr<RecordStream> stream;
        std::span<FeedRecord> batch;             ///< what is left of the last one,
        std::size_t at = 0;                      ///< which begins there in it
        std::size_t consumed_before = 0;         ///< records of it in the batches before this one
        std::vector<std::uint32_t> feed_symbol;  ///< by the stream's own symbol
        bool is_new = false;                     ///< its first record was not compared with the position yet
        bool has_ended = false;
        Duration max_gap;  ///< between a record of it and the feed's record before that

        // Of bars.
        Duration interval;              ///< zero: they are quotes or trades
        std::set<std::size_t> repeats;  ///< inputs whose bars it was seen to repeat

        bool has_bars() const { return interval.ns != 0; }
        /// Goes on behind the first `n` records at hand.
        void pass(std::size_t n) {
            batch = batch.subspan(n);
            at += n;
        }

        // Of a stream.
        SenderRecords* senders = nullptr;
        std::uint64_t sender = 0;                         ///< whose symbols those are
        std::chrono::nanoseconds patience{0};             ///< zero: without end
        std::optional<std::chrono::nanoseconds> awaited;  ///< since when others have a record and it has none
        bool is_left_out = false;
        bool can_be_late = false;  ///< what was not taken before may be what came too late then

        const std::string& name_of(const FeedRecord& record) const {
            return stream
                ->symbols()[std::visit([](const auto& event) { return event.instrument.value; }, record.event)];
        }
        bool is_waiting() const { return batch.empty() && stream->is_waiting(); }
    };
    /// Records of one input that follow each other in a batch.
    struct Run {
        std::size_t input = 0;
        std::size_t end = 0;  ///< in the batch
    };
    /// In place of an input: what was taken from one that is silent now.
    static constexpr std::size_t kNobody = static_cast<std::size_t>(-1);

    /// A record that did not leave, because one like it had left.
    struct Drop {
        std::size_t input = 0;
        std::size_t behind = 0;  ///< so many records of the batch
    };
    /// Openings, or closes, of one time.
    struct Moment {
        Time time = kBeforeAll;
        int rank = 0;
        friend bool operator==(Moment, Moment) = default;
    };
    struct Shown {
        ShownBar bar;
        Moment moment;
        std::size_t end = 0;  ///< it is among the first so many records of the batch; 0: it came before
    };
    static Moment moment_of(const RecordKey& key) { return {key.time, key.rank}; }

    static RecordKey key_of(std::size_t input, const FeedRecord& record) {
        return {record.time, rank_of(record.event), input == kNobody ? 0 : input};
    }
    const FeedRecord& record_at(std::size_t i) const { return is_only_ ? only_[i] : out_[i]; }

    void begin_batch() {
        if (!runs_.empty()) {
            last_before_ = key_of(runs_.back().input, record_at(size_ - 1));
        }
        std::size_t from = 0;
        for (const Run& run : runs_) {
            if (run.input != kNobody) {
                inputs_[run.input].consumed_before += run.end - from;
            }
            from = run.end;
        }
        for (const Drop& drop : drops_) {
            ++inputs_[drop.input].consumed_before;
        }
        keep_moment();
        drops_.clear();
        runs_.clear();
        named_at_.clear();
        out_.clear();
        is_only_ = false;
        size_ = 0;
    }

    /// Gives the record the feed's symbol. Names are numbered when a record of theirs leaves the
    /// feed, so their order is that of the merged records, whatever a source has read ahead. False
    /// with error_ when there are too many.
    bool rename(Input& input, FeedRecord& record, std::size_t at) {
        InstrumentId& instrument = instrument_of(record.event);
        instrument.value = feed_symbol(input, instrument, at);
        return instrument.value != SymbolTable::kUnknown;
    }
    /// kUnknown with error_ when there are too many.
    std::uint32_t feed_symbol(Input& input, InstrumentId instrument, std::size_t at) {
        if (instrument.value >= input.feed_symbol.size()) [[unlikely]] {
            input.feed_symbol.resize(input.stream->symbols().size(), SymbolTable::kUnknown);
        }
        std::uint32_t& symbol = input.feed_symbol[instrument.value];
        if (symbol == SymbolTable::kUnknown) [[unlikely]] {
            symbol = symbol_of(input.stream->symbols()[instrument.value], at);
        }
        return symbol;
    }
    /// kUnknown with error_ when there are too many.
    std::uint32_t symbol_of(std::string_view name, std::size_t at) {
        const std::uint32_t symbol = symbols_.find(name);
        if (symbol != SymbolTable::kUnknown) {
            return symbol;
        }
        if (symbols_.names().size() == limits::kMaxInstruments) {
            error_ = Error{ErrorKind::data, fmt::format("the data hold more than {} instruments at {}; leave files out",
                                                        limits::kMaxInstruments, in_quotes(name))};
            return symbol;
        }
        named_at_.push_back(at);
        return symbols_.add(name);
    }

    std::span<const FeedRecord> next_of_only() {
        Input& input = inputs_.front();
        do {  // until there is something, unless nothing comes: of a sender that is sent away nothing may be left
            if (!bring_in(0)) {
                return {};
            }
            must_wait_ = input.is_waiting();
            is_only_ = true;
            only_ = std::exchange(input.batch, {});
            Time last = last_before_.time;
            while (size_ < only_.size() && is_near(0, input.at + size_, only_[size_].time, last) &&
                   rename(input, only_[size_], size_)) {
                last = only_[size_].time;
                ++size_;
            }
        } while (size_ == 0 && to_refuse_);
        if (size_ != 0) {
            runs_.push_back({0, size_});
        }
        return only_.first(size_);
    }

    /// Brings in the input's next batch. False with error_ when it fails.
    bool load(std::size_t i) {
        Input& input = inputs_[i];
        input.consumed_before = 0;
        input.batch = {};
        input.at = 0;
        auto batch = input.stream->next();
        if (!batch) {
            error_ = batch.error();
            return false;
        }
        input.batch = *batch;
        if (batch->empty() && !input.stream->is_waiting() && !std::exchange(input.has_ended, true) && watch_.warn) {
            const SourcePlace end = input.stream->place_after(0);
            if (end.from.row + end.from.within + end.rows == 0) {
                watch_.warn({fmt::format("{}: holds no record", input.name), true});
            } else if (input.stream->lacks_end()) {
                watch_.warn({fmt::format("{}: {}", input.name, kLacksEnd), true});
            }
        }
        if (input.sender != input.stream->sender()) {
            input.sender = input.stream->sender();
            input.feed_symbol.clear();
        }
        return true;
    }

    /// Brings in the input's next record, if there is one yet, which must not belong before those that were taken. False with error_.
    bool bring_in(std::size_t i) {
        Input& input = inputs_[i];
        if (to_refuse_ && to_refuse_->first == i) [[unlikely]] {
            const bool refused = refuse(i, std::exchange(to_refuse_, std::nullopt)->second);
            ALPHA_ASSERT(refused, "another sender may follow the one that is to be refused");
        }
        do {
            if (input.batch.empty() && !load(i)) {
                return false;
            }
            if (input.batch.empty()) {
                return true;
            }
            if (input.is_new && has_followed_) {
                pass_repeats(i, last_before_);
            }
            if (input.batch.empty()) {
                continue;
            }
            if (input.patience.count() != 0) {
                refuse_late(i, last_before_);
            } else if (std::exchange(input.is_new, false) && key_of(i, input.batch.front()) < last_before_)
                [[unlikely]] {
                const std::string why =
                    fmt::format("{}: the data changed: a record at {} follows, which belongs before those that "
                                "were read before; restore the file, or begin a new session",
                                input.identity.name, to_iso(input.batch.front().time));
                if (!refuse(i, why)) {
                    error_ = Error{ErrorKind::data, why};
                    return false;
                }
            }
        } while (input.batch.empty());
        return true;
    }

    /// Passes over the records at hand that belong before what was taken already. They count as read.
    void refuse_late(std::size_t i, const RecordKey& taken) {
        Input& input = inputs_[i];
        const Time first = input.batch.front().time;
        std::size_t late = 0;
        while (late < input.batch.size() && key_of(i, input.batch[late]) < taken) {
            ++late;
        }
        if (late == 0) {
            return;
        }
        input.pass(late);
        input.consumed_before += late;
        change_status(input, [late](StreamStatus& status) { status.refused_records += late; });
        tell(fmt::format("{}: {} record{} of {} and later came after the feed had gone on to {}, and {} refused",
                         input.name, late, late == 1 ? "" : "s", to_iso(first), to_iso(taken.time),
                         late == 1 ? "is" : "are"),
             Notice::warning);
    }

    /// Sends away the sender of the records at hand. False where no other one can come.
    bool refuse(std::size_t i, const std::string& why) {
        Input& input = inputs_[i];
        if (!input.stream->refuse_after(input.consumed_before, why)) {
            return false;
        }
        input.batch = {};
        input.consumed_before = 0;
        input.is_new = true;
        return true;
    }

    /// Whether input `a`'s front record comes after input `b`'s.
    bool after(std::size_t a, std::size_t b) const {
        const FeedRecord& left = inputs_[a].batch.front();
        const FeedRecord& right = inputs_[b].batch.front();
        if (left.time != right.time) {
            return left.time > right.time;
        }
        const int left_rank = rank_of(left.event);
        const int right_rank = rank_of(right.event);
        return left_rank != right_rank ? left_rank > right_rank : a > b;
    }

    std::span<const FeedRecord> next_of_many() {
        for (;;) {
            if (!bring_in_absent()) {
                return {};
            }
            const bool is_end = heap_.empty();
            merge();
            if (!out_.empty() || error_ || is_end) {
                return out_;
            }
            begin_batch();  // all that there was was dropped, and an empty batch would be the end
        }
    }

    void merge() {
        const auto order = [this](std::size_t a, std::size_t b) { return after(a, b); };
        bool is_whole = true;  // for every input is there that has more
        while (out_.size() < kBatchRecords && !heap_.empty() && is_whole) {
            std::pop_heap(heap_.begin(), heap_.end(), order);
            const std::size_t first = heap_.back();
            heap_.pop_back();
            const bool good = drain(first);
            size_ = out_.size();
            if (size_ != (runs_.empty() ? 0 : runs_.back().end)) {
                runs_.push_back({first, size_});
            }
            if (!good) {
                if (to_refuse_) {
                    absent_.push_back(first);
                }
                break;
            }
            // What it has next is brought in with the next batch: until then, a position within this one needs what it
            // had before.
            is_whole = !inputs_[first].batch.empty();
            if (is_whole) {
                heap_.push_back(first);
                std::push_heap(heap_.begin(), heap_.end(), order);
            } else {
                absent_.push_back(first);
            }
        }
    }

    /// Puts those that have records again among those that have. False with error_, and where the merge must wait.
    bool bring_in_absent() {
        for (std::size_t at = 0; at < absent_.size();) {
            const std::size_t i = absent_[at];
            if (!bring_in(i)) {
                return false;
            }
            if (inputs_[i].is_waiting()) {
                ++at;
                continue;
            }
            absent_.erase(absent_.begin() + static_cast<std::ptrdiff_t>(at));
            if (!inputs_[i].batch.empty()) {
                expect_again(inputs_[i]);
                heap_.push_back(i);
                std::push_heap(heap_.begin(), heap_.end(),
                               [this](std::size_t a, std::size_t b) { return after(a, b); });
            }
        }
        must_wait_ = heap_.empty() && !absent_.empty();
        for (const std::size_t i : absent_) {
            must_wait_ = !is_left_out(inputs_[i], !heap_.empty()) || must_wait_;
        }
        return !must_wait_;
    }

    /// Whether the feed goes on without an input that has no record; else it has to wait, at most for longest_wait_.
    bool is_left_out(Input& input, bool others_have) {
        if (input.is_left_out || input.patience.count() == 0) {
            return input.is_left_out;
        }
        if (!others_have) {
            return false;
        }
        const std::chrono::nanoseconds now = watch_.now();
        input.awaited = input.awaited.value_or(now);
        if (const auto waited = now - *input.awaited; waited < input.patience) {
            longest_wait_ = std::min(longest_wait_, input.patience - waited);
            return false;
        }
        input.is_left_out = true;
        change_status(input, [](StreamStatus& status) { status.is_left_out = true; });
        tell(fmt::format("{}: silent for {} while others have records: the feed goes on without it", input.name,
                         to_string(Duration{input.patience.count()})),
             Notice::loss);
        return true;
    }
    /// It has a record, and is waited for again.
    void expect_again(Input& input) {
        input.awaited.reset();
        if (std::exchange(input.is_left_out, false)) {
            change_status(input, [](StreamStatus& status) { status.is_left_out = false; });
            tell(fmt::format("{}: sends again, and the feed waits for it as before", input.name), Notice::note);
        }
    }

    // ---- what was taken before ---------------------------------------------------------------------------------------------

    /// Hands out again what was taken before, in that order, from whoever has it at hand.
    std::span<const FeedRecord> next_of_taken() {
        while (out_.size() < kBatchRecords && know_next_taken()) {
            if (const std::size_t i = giver_of_taken(); i != kNobody) {
                Input& input = inputs_[i];
                expect_again(input);
                if (!rename(input, input.batch.front(), out_.size())) {
                    return out_;
                }
                if (shares_bars_ && input.has_bars()) {
                    come_to(input.batch.front());
                    show(bar_at_hand(i), out_.size() + 1);
                }
                out_.push_back(input.batch.front());
                input.pass(1);
                add_to_runs(i);
                taken_.reset();
            } else if (!out_.empty() || !seek_giver()) {
                break;  // a position within this batch needs what the inputs had
            }
        }
        return out_;
    }

    /// False when there is none any more, or with error_.
    bool know_next_taken() {
        if (taken_ || !follows_taken_) {
            return taken_.has_value();
        }
        Result<std::optional<TakenRecord>> next = watch_.taken_before();
        if (!next) {
            error_ = next.error();
            return false;
        }
        taken_ = *next;
        if (!taken_) {
            stop_following();
        }
        return taken_.has_value();
    }
    /// From here on the merge decides.
    void stop_following() {
        follows_taken_ = false;
        watch_.taken_before = nullptr;
        has_followed_ = true;
        taken_.reset();
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            inputs_[i].is_new = true;
        }
        must_wait_ = out_.empty();  // for nothing: next() asks the merge
        longest_wait_ = std::chrono::nanoseconds(0);
    }

    bool is_at_hand(const Input& input) const {
        if (input.batch.empty() || input.batch.front().time != taken_->record.time ||
            input.name_of(input.batch.front()) != taken_->instrument) {
            return false;
        }
        MarketInput event = input.batch.front().event;
        instrument_of(event) = std::visit([](const auto& taken) { return taken.instrument; }, taken_->record.event);
        return event == taken_->record.event;
    }
    /// Who has the record at hand: rather one that cannot have been late.
    std::size_t giver_of_taken() const {
        std::size_t giver = kNobody;
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            if (is_at_hand(inputs_[i]) && (giver == kNobody || !inputs_[i].can_be_late)) {
                giver = i;
                if (!inputs_[i].can_be_late) {
                    break;
                }
            }
        }
        return giver;
    }

    /// Nobody has the record at hand: asks everybody for what comes next. False where that has to be waited for, or with error_.
    bool seek_giver() {
        const RecordKey taken = key_of(kNobody, taken_->record);
        bool is_anything_new = false;
        for (std::size_t i = 0; i < inputs_.size(); ++i) {
            Input& input = inputs_[i];
            if (input.batch.empty()) {
                if (!load(i)) {
                    return false;
                }
                is_anything_new = is_anything_new || !input.batch.empty();
            } else if (pass_repeats(i, taken)) {
                is_anything_new = true;
            } else if (key_of(kNobody, input.batch.front()) < taken) {
                // It was late then, too.
                if (input.can_be_late) {
                    refuse_late(i, {taken.time, taken.rank, i});
                } else if (!blame(i)) {
                    return false;
                }
                is_anything_new = true;
            }
        }
        if (is_anything_new) {
            return true;
        }
        const bool is_any_at_hand = std::ranges::any_of(inputs_, [](const Input& each) { return !each.batch.empty(); });
        bool is_any_silent = false;
        for (Input& input : inputs_) {
            if (input.is_waiting()) {
                is_any_silent = true;
                must_wait_ = !is_left_out(input, is_any_at_hand) || must_wait_;
            }
        }
        if (must_wait_) {
            return false;
        }
        if (is_any_silent) {  // it was theirs
            hand_out_taken();
            return !error_;
        }
        return blame_for_lack();
    }

    void hand_out_taken() {
        const std::uint32_t symbol = symbol_of(taken_->instrument, out_.size());
        if (symbol == SymbolTable::kUnknown) {
            return;
        }
        out_.push_back(taken_->record);
        instrument_of(out_.back().event).value = symbol;
        add_to_runs(kNobody);
        taken_.reset();
    }

    /// Sends away a sender that has another record than was taken. False where none can follow it: then whoever compares what the
    /// feed gives with what it gave is to see that record.
    bool blame(std::size_t i) {
        const Input& input = inputs_[i];
        const FeedRecord& now = input.batch.front();
        const std::string& name = input.name_of(now);
        const bool is_same_place = now.time == taken_->record.time && name == taken_->instrument;
        const std::string why = fmt::format(
            "{}: the data changed: a record of {} at {} comes where one of {} at {}{} was taken before; send the same "
            "lines from line 1, or begin a new session",
            input.name, in_quotes(name), to_iso(now.time), in_quotes(taken_->instrument), to_iso(taken_->record.time),
            is_same_place ? " with other values" : "");
        if (refuse(i, why)) {
            return true;
        }
        stop_following();
        return false;
    }
    /// Everybody has shown a later record than the one that was taken. Sends away who has another one in its place, else who has named
    /// its instrument, else everybody.
    bool blame_for_lack() {
        const auto has_another = [this](const Input& input) {
            return input.batch.front().time == taken_->record.time &&
                   input.name_of(input.batch.front()) == taken_->instrument;
        };
        const auto knows_name = [this](const Input& input) {
            return std::ranges::find(input.stream->symbols(), taken_->instrument) != input.stream->symbols().end();
        };
        const auto anybody = [](const Input&) { return true; };
        return blame_those(has_another) || blame_those(knows_name) || blame_those(anybody) || (stop_following(), false);
    }
    template <class Suspect>
    bool blame_those(Suspect suspect) {
        bool any = false;
        for (std::size_t i = 0; i < inputs_.size() && follows_taken_; ++i) {
            any = (!inputs_[i].batch.empty() && suspect(inputs_[i]) && blame(i)) || any;
        }
        return any;
    }

    void add_to_runs(std::size_t input) {
        if (runs_.empty() || runs_.back().input != input) {
            runs_.push_back({input, 0});
        }
        runs_.back().end = size_ = out_.size();
    }

    // ---- told -----------------------------------------------------------------------------------------------------------

    template <class Change>
    void change_status(const Input& input, Change change) const {
        if (input.senders != nullptr && watch_.change_status) {
            watch_.change_status(input.senders->number(), change);
        }
    }
    void tell(const std::string& what, Notice kind) const {
        if (watch_.tell) {
            watch_.tell(what, kind);
        }
    }

    /// Takes records of input `i`, which has the earliest, for as long as it has and there is room.
    /// False with error_ or to_refuse_.
    bool drain(std::size_t i) {
        Input& input = inputs_[i];
        do {
            FeedRecord& record = input.batch.front();
            const Time last = out_.empty() ? last_before_.time : out_.back().time;
            if (!is_near(i, input.at, record.time, last) || !rename(input, record, out_.size())) {
                return false;
            }
            const bool may_be_shown = shares_bars_ && input.has_bars();
            if (may_be_shown && is_shown(i)) {
                if (!agrees_with_shown(i)) {
                    return false;
                }
                drops_.push_back({i, out_.size()});
            } else {
                if (may_be_shown) {
                    show(bar_at_hand(i), out_.size() + 1);
                }
                out_.push_back(record);
            }
            input.pass(1);
        } while (!input.batch.empty() && out_.size() < kBatchRecords && (heap_.empty() || !after(i, heap_.front())));
        return true;
    }

    /// Whether record `at` of the last batch of input `i` may follow one at `last`. False with error_ or to_refuse_.
    bool is_near(std::size_t i, std::size_t at, Time time, Time last) {
        const Input& input = inputs_[i];
        if (last == kBeforeAll || time - last <= input.max_gap) [[likely]] {
            return true;
        }
        const BarRow* const bar = input.stream->bar_of(at);
        const std::string place = bar != nullptr ? input.stream->place(bar->line) : input.stream->place_of(at);
        refuse_front(
            i,
            fmt::format("{}: a record at {} comes {} days after the one before it, at {}, which is more than {}",
                        place.empty() ? input.name : place, to_iso(time), (time - last).ns / kDayNs, to_iso(last),
                        to_string(input.max_gap)),
            "mend its time or, if there is such a gap, write a longer max_gap: beside its source");
        return false;
    }
    /// What input `i` has at hand cannot be taken: its sender is sent away once the batch is given out, or the feed ends.
    void refuse_front(std::size_t i, const std::string& why, std::string_view mend) {
        SenderRecords* const senders = inputs_[i].senders;
        if (senders != nullptr && senders->senders().has_next()) {
            to_refuse_ = std::pair(i, why);
        } else {
            error_ = Error{ErrorKind::data, fmt::format("{}; {}", why, mend)};
        }
    }

    // ---- bars that several sources hold

    void come_to(const FeedRecord& bar) {
        const Moment now{bar.time, rank_of(bar.event)};
        if (now != moment_) {
            moment_ = now;
            of_moment_.clear();
        }
    }
    /// Of the record at hand of input `i`, which bears the feed's symbol.
    ShownBar bar_at_hand(std::size_t i) const {
        const Input& input = inputs_[i];
        const BarRow& row = *input.stream->bar_of(input.at);
        const auto symbol_of = [](const auto& event) { return event.instrument.value; };
        return {std::visit(symbol_of, input.batch.front().event), static_cast<std::uint32_t>(i), row.line,
                values_of(row.bar)};
    }
    /// Whether the record at hand of input `i` has left already, from another one.
    bool is_shown(std::size_t i) {
        come_to(inputs_[i].batch.front());
        return of_moment_.contains({bar_at_hand(i).symbol, inputs_[i].interval});
    }
    /// Whether its bar is the one whose record has left. False with error_ or to_refuse_.
    bool agrees_with_shown(std::size_t i) {
        Input& input = inputs_[i];
        const ShownBar bar = bar_at_hand(i);
        const ShownBar& first = shown_[of_moment_.at({bar.symbol, input.interval})].bar;
        const auto found = [&] {
            const Time label = input.stream->bar_of(input.at)->label;
            return fmt::format("{}: the {} bar of {} at {} is at {} already", place_of(bar), to_string(input.interval),
                               in_quotes(symbols_.names()[bar.symbol]),
                               input.interval.ns == kDayNs ? to_iso(TradingHours{}.date_of(label)) : to_iso(label),
                               place_of(first));
        };
        if (first.values != bar.values) {
            const std::string differs =
                fmt::format("{}, with other values ({})", found(), difference(first.values, bar.values));
            refuse_front(i, differs, "remove the wrong one");
            return false;
        }
        if (watch_.warn && input.repeats.insert(first.source).second) {
            watch_.warn({found() + "; bars that both hold are taken once"});
        }
        return true;
    }
    static std::string difference(const BarValues& there, const BarValues& here) {
        const auto text = [](std::string_view name, const auto& a, const auto& b) {
            return fmt::format("{} {} there, {} here", name, to_string(a), to_string(b));
        };
        return there.open != here.open     ? text("open", there.open, here.open)
               : there.high != here.high   ? text("high", there.high, here.high)
               : there.low != here.low     ? text("low", there.low, here.low)
               : there.close != here.close ? text("close", there.close, here.close)
                                           : text("volume", there.volume, here.volume);
    }
    /// Passes over bars at hand that were dropped when they came first, which is known of bars before `taken`: the merge had
    /// waited for them. False where there are none.
    bool pass_repeats(std::size_t i, const RecordKey& taken) {
        Input& input = inputs_[i];
        const bool may_repeat = shares_bars_ && input.has_bars() && input.patience.count() == 0 &&
                                std::ranges::count(inputs_, input.interval, &Input::interval) > 1;
        std::size_t n = 0;
        while (may_repeat && n < input.batch.size() && was_dropped(input, n, taken)) {
            ++n;
        }
        input.pass(n);
        input.consumed_before += n;
        return n != 0;
    }
    /// Of record `n` of those at hand.
    bool was_dropped(const Input& input, std::size_t n, const RecordKey& taken) {
        const FeedRecord& record = input.batch[n];
        if (key_of(kNobody, record) < RecordKey{taken.time, taken.rank, 0}) {
            return true;
        }
        const auto shown = of_moment_.find({symbols_.find(input.name_of(record)), input.interval});
        return Moment{record.time, rank_of(record.event)} == moment_ && shown != of_moment_.end() &&
               shown_[shown->second].bar.values == values_of(input.stream->bar_of(input.at + n)->bar);
    }
    void show(const ShownBar& bar, std::size_t end) {
        of_moment_[{bar.symbol, inputs_[bar.source].interval}] = shown_.size();
        shown_.push_back({bar, moment_, end});
    }
    /// With the next batch, only bars of the present moment are of use.
    void keep_moment() {
        of_moment_.clear();
        for (const Shown& shown : std::exchange(shown_, {})) {
            if (shown.moment == moment_) {
                show(shown.bar, 0);
            }
        }
    }
    std::string place_of(const ShownBar& bar) const { return inputs_[bar.source].stream->place(bar.line); }

    std::vector<Input> inputs_;
    std::vector<Senders*> senders_;  ///< of the streams among them
    const Interrupt* interrupt_;
    FeedWatch watch_;
    std::vector<std::size_t> heap_;  ///< inputs that have records, the earliest in front
    std::vector<std::size_t>
        absent_;  ///< inputs that had none when they were last asked, or whose last one left with the last batch
    bool must_wait_ = false;  ///< for a sender, at most for
    std::chrono::nanoseconds longest_wait_{0};
    std::optional<std::pair<std::size_t, std::string>>
        to_refuse_;  ///< whose sender, and why, once the batch is given out
    bool follows_taken_ = false;
    bool has_followed_ = false;
    std::optional<TakenRecord> taken_;  ///< the next one of those
    std::vector<FeedRecord> out_;
    bool is_only_ = false;        ///< the last batch is only_, else out_
    std::span<FeedRecord> only_;  ///< the last batch of a feed of one input
    std::size_t size_ = 0;        ///< records in the last batch
    std::vector<Run> runs_;       ///< where those came from
    std::vector<Drop> drops_;     ///< what did not leave with those
    bool shares_bars_ = false;    ///< several sources have bars, which may be the same
    std::vector<Shown> shown_;    ///< bars of the batch, and of the moment before it
    Moment moment_;               ///< of the last bar
    std::map<std::pair<std::uint32_t, Duration>, std::size_t> of_moment_;  ///< by symbol and interval, in shown_
    std::vector<std::size_t> named_at_;                                    ///< which of those brought new symbols
    RecordKey last_before_;                                                ///< of the record before them
    SymbolTable symbols_;
    std::optional<Error> error_;
};

// ---- opening ----------------------------------------------------------------------------------------------------------

/// A source opened: records that are in time already, or bars yet to be placed.
struct Opened {
    std::unique_ptr<RecordStream> records;
    std::unique_ptr<BarRows> bars;
    SourceForm form = SourceForm::synth;
};

SourceForm csv_form_of(DataKind kind) {
    return kind == DataKind::quotes   ? SourceForm::csv_quotes
           : kind == DataKind::trades ? SourceForm::csv_trades
                                      : SourceForm::csv_bars;
}

Result<Opened> open_source(const DataSource& source, const TimesOf& times) {
    Opened opened;
    const auto keep = [&opened](auto part) {
        if constexpr (std::is_convertible_v<decltype(part), std::unique_ptr<BarRows>>) {
            opened.bars = std::move(part);
        } else {
            opened.records = std::move(part);
        }
        return std::move(opened);
    };
    const bool ticks = source.kind != DataKind::bars;
    if (source.synth) {
        return open_synth(*source.synth).map(keep);
    }
    if (looks_like_data_set(source.file)) {
        opened.form = ticks ? SourceForm::set_quotes : SourceForm::set_bars;
        if (ticks) {
            return open_set_quotes(source).map(keep);
        }
        return open_set_bars(source).map(keep);
    }
    opened.form = csv_form_of(source.kind);
    if (ticks) {
        return open_csv_ticks(source).map(keep);
    }
    return open_csv_bars(source, times).map(keep);
}

SourceIdentity identity_of(const DataSource& source, SourceForm form) {
    if (form == SourceForm::synth) {
        return {form, "synthetic data", {}, {}};
    }
    if (source.is_stream()) {  // whatever way it comes: a sender may move from a pipe to a socket
        return {form, "a stream", source.instrument, source.interval};
    }
    const std::size_t slash = source.file.rfind('/');
    return {form, slash == std::string::npos ? source.file : source.file.substr(slash + 1), source.instrument,
            source.interval};
}

/// Opens a stream for senders. Refuses (kind usage) bars that the scenario does not say enough of.
Result<NamedStream> open_stream(const DataSource& source, std::size_t number, const TimesOf& times,
                                bool beside_intraday, FeedWatch watch) {
    ALPHA_ASSERT(watch.now != nullptr, "who reads streams hands in a clock");
    watch.taken_before = nullptr;  // the feed's alone, which forgets it at its end
    const bool ticks = source.kind != DataKind::bars;
    auto senders = Senders::open(source, watch.now);
    if (!senders) {
        return tl::unexpected(senders.error());
    }
    if (auto good = ticks ? Result<void>() : judge_csv_bars(source); !good) {
        return tl::unexpected(good.error());
    }
    const auto text = (*senders)->has_next() ? BarPlacement::Text::one_of_senders : BarPlacement::Text::only_sender;
    const auto interval_watch = std::make_shared<IntervalWatch>(IntervalWatch{Spacing(source.interval), watch.warn});
    const auto records_from = [=](std::unique_ptr<ByteSource> bytes) -> std::unique_ptr<RecordStream> {
        if (ticks) {
            return csv_ticks_from(source, std::move(bytes));
        }
        return place_bars(csv_bars_from(source, std::move(bytes)), times, beside_intraday, text, interval_watch);
    };
    if (!ticks && source.interval.ns == kDayNs) {
        const auto none = place_bars(csv_bars_from(source, (*senders)->text()), times, beside_intraday, text);
        if (const std::string why = none->refusal_of_symbols(); !why.empty()) {
            return fail(ErrorKind::data, fmt::format("{}: {}", source.name(), why));
        }
    }
    auto records = std::make_unique<SenderRecords>(source.name(), number, source.gives_again, std::move(*senders),
                                                   records_from, std::move(watch));
    SenderRecords* const same = records.get();
    return NamedStream{source.name(),      identity_of(source, csv_form_of(source.kind)),
                       std::move(records), same,
                       source.idle,        source.is_clocked,
                       source.max_gap};
}

/// Looks at a file of bars before it is read for what it holds: the first closes would be wrong already.
Result<void> judge_interval_of(const DataSource& source, SourceForm form, const TimesOf& times) {
    Result<Opened> again = open_source(source, times);
    return !again
               ? Result<void>()
               : judge_interval(*again->bars, times,
                                form == SourceForm::set_bars ? "import the CSV again with --interval " : kMendInterval);
}

Result<std::unique_ptr<MergedFeed>> open_all(const std::vector<DataSource>& sources, const TimesOf& times,
                                             const FeedWatch& watch) {
    std::vector<Opened> opened;
    bool intraday = false;
    for (const DataSource& source : sources) {
        if (source.is_stream()) {
            intraday = intraday || source.kind != DataKind::bars || source.interval.ns != kDayNs;
            opened.emplace_back();
            continue;
        }
        auto one = open_source(source, times);
        if (!one) {
            return tl::unexpected(one.error());
        }
        intraday = intraday || one->bars == nullptr || !one->bars->date_only();
        opened.push_back(std::move(*one));
    }
    std::vector<NamedStream> streams;
    const Interrupt* interrupt = nullptr;
    std::size_t numbered = 0;
    for (std::size_t i = 0; i < opened.size(); ++i) {
        const DataSource& source = sources[i];
        if (source.is_stream()) {
            auto stream = open_stream(source, numbered++, times, intraday, watch);
            if (!stream) {
                return tl::unexpected(stream.error());
            }
            interrupt = source.interrupt;
            streams.push_back(std::move(*stream));
            continue;
        }
        SourceIdentity identity = identity_of(source, opened[i].form);
        if (opened[i].bars == nullptr) {
            streams.push_back(
                {source.name(), std::move(identity), std::move(opened[i].records), nullptr, {}, false, source.max_gap});
            continue;
        }
        if (auto good = judge_interval_of(source, opened[i].form, times); !good) {
            return tl::unexpected(good.error());
        }
        const bool date_only = opened[i].bars->date_only();
        auto placed = place_bars(std::move(opened[i].bars), times, intraday);
        if (const std::string why = date_only ? placed->refusal_of_symbols() : std::string(); !why.empty()) {
            return fail(ErrorKind::data, fmt::format("{}: {}", source.name(), why));
        }
        streams.push_back({source.name(), std::move(identity), std::move(placed), nullptr, {}, false, source.max_gap});
    }
    return std::make_unique<MergedFeed>(std::move(streams), interrupt, watch);
}

}  // namespace

Result<std::unique_ptr<Feed>> open_feed(const std::vector<DataSource>& sources, const TimesOf& times,
                                        const FeedWatch& watch) {
    return open_all(sources, times, watch);
}

Result<std::unique_ptr<Feed>> open_feed(const std::vector<DataSource>& sources, const TimesOf& times, Bytes position,
                                        const FeedWatch& watch) {
    auto feed = open_all(sources, times, watch);
    if (!feed) {
        return tl::unexpected(feed.error());
    }
    if (auto there = (*feed)->resume(position); !there) {
        return tl::unexpected(there.error());
    }
    return feed;
}

}  // namespace alpha
