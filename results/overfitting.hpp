#pragma once
#include <optional>
#include <vector>
namespace alpha {
std::optional<double> overfitting_of(const std::vector<std::vector<double>>& returns);
}
