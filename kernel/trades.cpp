#include "kernel/trades.hpp"

#include "kernel/visits.hpp"

#include <algorithm>

namespace alpha {

namespace {

/// A decimal number without leading zeros: of two such, the longer one is larger.
bool is_number(const std::string& text) {
    return !text.empty() && text.front() != '0' &&
           std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}
bool is_smaller(const std::string& a, const std::string& b) {
    ++visits;
    return a.size() != b.size() ? a.size() < b.size() : a < b;
}
bool is_next(const std::vector<std::string>& trades, const std::string& trade) {
    return is_number(trade) && (trades.empty() || is_smaller(trades.back(), trade));
}

}  // namespace

bool Trades::Before::operator()(const std::string& a, const std::string& b) const {
    return is_smaller(a, b);
}

bool Trades::contains(const std::string& trade) const {
    if (!index_.empty()) {
        return index_.contains(trade);
    }
    return !is_next(booked_, trade) && std::ranges::binary_search(booked_, trade, is_smaller);
}

void Trades::book(const std::string& trade) {
    if (!index_.empty()) {
        index_.insert(trade);
    } else if (!is_next(booked_, trade)) {
        index_.insert(booked_.begin(), booked_.end());
        index_.insert(trade);
    }
    booked_.push_back(trade);
}

}  // namespace alpha
