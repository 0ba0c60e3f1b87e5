#pragma once
/// What companies do to their shares, as a table says it: one row an action. Nothing here opens a file; what an action does to books and
/// orders is kernel/actions.hpp.
///
/// Columns, in any order; the first three are required, others may be absent or empty:
///
///   ex_date         the first day on which the share trades as another
///   action          split, bonus, dividend, rename, merger or demerger
///   value           split: new shares for each old one, "2", "3:2" or "0.1"; bonus: "1:2", one new share beside two old ones;
///                   dividend: an amount a share; rename: the new name; merger, demerger: shares of `other` for shares held, "3:2"
///                   ("0:1" of a merger: cash alone)
///   instrument      whose share; of all rows where the table has no such column
///   other           of a merger or demerger: the instrument whose shares are given
///   cash            of a merger: an amount a share
///   cost_part       of a demerger: the part of the cost that goes with the shares given, "0.25" or "25%"
///   fraction_price  what a whole new share is paid at where only a part of one would be due; required of mergers and demergers that give
///                   shares, since those may have no price yet
///   source, grade   as in other tables; a user's own are `stated`

#include "events/event.hpp"
#include "events/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace alpha::markets {

/// A row, with names in place of ids.
struct ActionRow {
    ErrorPlace place;
    std::string instrument;  ///< empty: the table does not say
    std::string other;       ///< empty: none
    std::string renamed;     ///< the new name; empty: it is no rename, and `action` says what it is
    CorporateAction action;
};

/// By ex-date, and in the order of the file within a day. Refused with file:line: what cannot be read.
Result<std::vector<ActionRow>> read_actions(std::string_view text, const std::string& file);

}  // namespace alpha::markets
