#pragma once
/// CSV as alpha writes it: RFC 4180, and nothing that a spreadsheet takes for a formula.

#include <string>
#include <string_view>

namespace alpha {

/// A name as a field: quoted only where it could be taken for two, with an apostrophe in front where it could be taken for a formula.
std::string csv_field(std::string_view name);

}  // namespace alpha
