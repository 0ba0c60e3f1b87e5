#pragma once
/// What is odd about market data: told records one by one, it says at the end what a careful person would have found by looking at all of
/// them. Nothing here refuses or mends anything; readers refuse what cannot be (adapters/data), and this names what can be and probably
/// should not.
///
/// Of each instrument it keeps some KB, however many records there are: sizes are counted in steps of a quarter of a doubling, so that
/// "20 times the usual" means 20 times or up to a quarter more. A record costs 10 to 20 ns, the most where every price
/// is another than the one before.
///
/// What is usual is the instrument's own. A minute without a bar is nothing where one minute in three has none; a price that stands still
/// for an hour is nothing where it does so every day.

#include "events/event.hpp"
#include "events/fixed.hpp"
#include "events/time.hpp"
#include "markets/calendar.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace alpha::markets {

// ---- what is looked for -----------------------------------------------------------------------------------------------

/// How bad it is. Serious is what makes a backtest wrong whatever the strategy.
enum class Gravity : std::uint8_t { serious, doubtful, note };

enum class Flaw : std::uint8_t {
    impossible_bar,    ///< a low above a high, a price of zero; most readers refuse it
    conflicting_bars,  ///< two bars of one label with different values
    end_stamped,       ///< bars that bear the time of their end, where alpha takes a label for the beginning
    split,             ///< an opening as after a split that nobody told of
    missing_days,      ///< days of trading without a record
    closed_days,       ///< records on days on which the market was closed
    spike,             ///< a price far off that is back with the next record
    jump,              ///< within a day five times the price before it, or a fifth
    outlier,           ///< a high or low far outside of its neighbours'
    missing_bars,      ///< longer without a bar than the instrument usually is
    silence,           ///< the same of quotes
    off_grid,          ///< labels that are no multiple of the interval
    off_hours,         ///< records outside of the session
    duplicate,         ///< the same record again
    stale,             ///< the same price for longer than is usual
    crossed,           ///< bid above ask
    adjusted,          ///< decimals that no exchange's price has
    off_tick,          ///< prices that are no multiple of the tick
    zero_volume,       ///< bars without volume where others have some
    wide_spread,       ///< many times the usual spread
    locked,            ///< bid and ask the same
    one_sided,         ///< a bid without an ask, or the other way round
    no_volume          ///< no bar has volume
};
/// "serious", "doubtful", "note".
std::string_view name_of(Gravity gravity);
/// "missing_days"
std::string_view name_of(Flaw flaw);

// ---- thresholds -------------------------------------------------------------------------------------------------------

/// From where on something counts. They are chosen so that clean data give nothing: who is told of a hundred things that are nothing does
/// not read the one that is something.
namespace bounds {

/// Sizes are counted in so many steps a doubling.
inline constexpr int kStepsPerDoubling = 4;
/// A spike or outlier is at least 20 times the median move: 4 doublings and a quarter, and one step for what rounding hides. Fat tails reach
/// 10 times; a wrong digit is beyond 100.
inline constexpr int kSpikeSteps = 18;
/// ... and at least a 50th (2 %): the median move of minutes is so small that 20 times it is still an ordinary one.
inline constexpr std::int64_t kSpikePart = 50;
/// A high or low alone: at least a 20th (5 %), as openings reach farther than closes do.
inline constexpr std::int64_t kOutlierPart = 20;
/// An outlier is serious where one is half off: digits slipped.
inline constexpr std::int64_t kWildPart = 2;
/// Back means: at most a quarter of the way remains. A reversal that goes half the way back is a market.
inline constexpr std::int64_t kSpikeRemains = 4;
/// With fewer moves than this no median is known, and only what is a fifth (20 %) off counts.
inline constexpr std::uint64_t kMovesLeast = 20;
inline constexpr std::int64_t kUnknownSpikePart = 5;
/// A jump that stays, within a day: five times the price. Exchanges halt long before; another unit or instrument does not.
inline constexpr std::int64_t kJumpTimes = 5;
/// An opening is as after a split within a 20th of the ratio: more than a share usually moves at a split, less than between two ratios.
inline constexpr std::int64_t kSplitNearness = 20;
/// ... and at least 8 times (3 doublings) what the instrument moves from one day to the next: an option doubles without any split.
inline constexpr int kSplitSteps = 12;
inline constexpr std::uint64_t kNightsLeast = 10;
/// Splits that the sentence names, each with its day.
inline constexpr std::size_t kSplitsNamed = 5;
/// A run (of missing bars, of a price that stands still) is odd where chance alone, by the instrument's own density, would bring one as long
/// less than once in 100 such files ...
inline constexpr std::int64_t kChance = 100;
/// ... and then three times as long, as neither trades nor silences come evenly: lunch is thinner than the close.
inline constexpr std::uint64_t kClustering = 3;
/// ... and at least so many: two missing minutes are nobody's loss.
inline constexpr std::uint64_t kMissingBarsLeast = 5;
inline constexpr std::uint64_t kStaleBarsLeast = 5;
inline constexpr std::uint64_t kStaleQuotesLeast = 100;
/// ... and for so long: repeated quotes come in bursts.
inline constexpr Duration kStaleQuotesTime{300 * kSecondNs};
inline constexpr Duration kSilenceLeast{60 * kSecondNs};
/// Where nobody has said when the instrument trades: a pause of half an hour or more on every fourth day is a night or a lunch.
inline constexpr Duration kPauseLeast{1'800 * kSecondNs};
inline constexpr std::uint64_t kPauseDays = 4;
/// Without a calendar any weekday may be a holiday; five in a row were not, outside of Asia's golden weeks (September 2001 closed New York for
/// four).
inline constexpr std::uint64_t kWeekdaysRun = 5;
/// Days without a record are usual where three times or more they interrupt, and that more than a tenth of the recorded ones: a thin option.
/// Then only runs of five times the mean count.
inline constexpr std::uint64_t kThinRuns = 3;
inline constexpr std::uint64_t kThinDays = 10;
inline constexpr std::uint64_t kThinTimes = 5;
/// Who trades on a weekend on a tenth of their days trades every day (two sevenths would be all of them); a few are special sessions.
inline constexpr std::uint64_t kWeekendDays = 10;
/// On closed days a tenth of all days or more: no slip, but another zone or calendar.
inline constexpr std::uint64_t kClosedDays = 10;
/// A spread is wide from 10 times its median on: 3 doublings and a quarter, and one step more.
inline constexpr int kWideSteps = 14;
/// What is one of so many records or more is the instrument's habit, and a note (quotes repeated, bars without volume), or, of decimals, a sign
/// that all prices were computed.
inline constexpr std::uint64_t kOften = 10;
/// A price of 1 or more has at most so many decimals on any exchange: currencies have five.
inline constexpr int kDecimalsMost = 5;

}  // namespace bounds

// ---- splits -----------------------------------------------------------------------------------------------------------

/// What an opening looks like: 2 for 1, or, where the price rose, 1 for 2.
struct SplitRatio {
    std::int64_t shares = 0;
    bool is_reverse = false;
    /// "2 for 1"
    std::string text() const;
};
/// Whether a price after a night looks as after a split, by bounds::kSplitNearness. Nothing where one of them is 0. O(1).
std::optional<SplitRatio> split_like(Price before, Price after);

// ---- what is said -----------------------------------------------------------------------------------------------------

struct DataFinding {
    Flaw flaw = Flaw::impossible_bar;
    Gravity gravity = Gravity::note;
    std::string instrument;
    std::uint64_t count = 0;         ///< of what the flaw is: days, runs, records
    Time first;                      ///< where it is first
    std::uint64_t first_record = 0;  ///< the same as see() was told; 0: it was not
    std::string
        sentence;  ///< what, how often, where first (on the market's clock, or UTC where none is known), what it may mean
};

/// What is known of an instrument before its records.
struct WatchedInstrument {
    std::string name;
    DayTimes times;              ///< when it trades; the whole UTC day says that nobody knows
    Price tick{};                ///< 0: not known
    bool is_derivative = false;  ///< it has no splits, and doubles overnight
};

class DataQuality {
public:
    DataQuality();
    DataQuality(DataQuality&&) noexcept;
    DataQuality& operator=(DataQuality&&) noexcept;
    ~DataQuality();

    /// The number by which see() knows the instrument: 0, 1, 2, ...
    std::uint32_t watch(WatchedInstrument instrument);
    /// A corporate action of this day explains an opening far off. Before the first record of that day.
    void announce(std::uint32_t instrument, Date ex_date);

    /// The next record of the instrument, in order of time among those of its kind. `record`: where it stands, as whoever tells it counts
    /// (a record's number, a sequence number). The `instrument` within the event is not read.
    void see(std::uint32_t instrument, Time time, const QuoteTick& quote, std::uint64_t record = 0);
    /// Bars as they close; those of several intervals are judged apart. One that does not tell its label (of old logs) began at `time`.
    void see(std::uint32_t instrument, Time time, const BarClosed& bar, std::uint64_t record = 0);

    /// All that was found, the most serious first, then in the order of the instruments. Nothing is seen afterwards.
    std::vector<DataFinding> finish();

private:
    struct Watched;
    std::vector<std::unique_ptr<Watched>> watched_;
};

}  // namespace alpha::markets
