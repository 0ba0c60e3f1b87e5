#pragma once
#include "results/results.hpp"
namespace alpha {
std::string report_html(const Results& results);
}
