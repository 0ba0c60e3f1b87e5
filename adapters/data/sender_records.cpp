#include "adapters/data/sender_records.hpp"

#include <fmt/format.h>
#include <utility>

namespace alpha {

SenderRecords::SenderRecords(std::string name, std::size_t number, bool gives_again, std::unique_ptr<Senders> senders,
                             Make make, FeedWatch watch)
    : name_(std::move(name)),
      number_(number),
      gives_again_(gives_again),
      senders_(std::move(senders)),
      make_(std::move(make)),
      watch_(std::move(watch)),
      records_(make_(senders_->text())) {
    change([this](StreamStatus& status) {
        status.name = name_;
        status.heard = watch_.now();
    });
}

Result<std::span<FeedRecord>> SenderRecords::next() {
    is_waiting_ = false;
    auto batch = records_->next();
    greet();
    if (batch && records_->is_there()) {
        senders_->keep();
    }
    if (batch && !batch->empty()) {
        has_given_ = true;
        change([&](StreamStatus& status) {
            status.records += batch->size();
            status.heard = watch_.now();
        });
        return batch;
    }
    if (batch && records_->is_waiting()) {
        is_waiting_ = true;
        return batch;
    }
    if (!batch && (!senders_->has_next() || batch.error().kind != ErrorKind::data)) {
        return batch;
    }
    if (!senders_->has_next()) {
        if (senders_->is_within_line()) {
            tell(fmt::format("{}: ended within a line, which is not taken", name_), Notice::warning);
        }
        change([](StreamStatus& status) { status.has_ended = true; });
        return batch;
    }
    begin_again(place_after(0), batch ? "" : batch.error().message);
    // Whoever ends the feed is looked at between two senders.
    is_waiting_ = true;
    return std::span<FeedRecord>();
}

bool SenderRecords::refuse_after(std::size_t n, const std::string& why) {
    if (!senders_->has_next()) {
        return false;
    }
    begin_again(place_after(n), why);
    return true;
}

Result<void> SenderRecords::resume(const SourcePlace& place) {
    place_ = place;
    return begin();
}

Result<void> SenderRecords::begin() {
    return place_.from.offset == 0 ? Result<void>() : records_->resume(place_);
}

void SenderRecords::begin_again(const SourcePlace& place, const std::string& why) {
    const bool is_lost = records_->is_there();  // and no stray connection
    if (!why.empty()) {
        tell(fmt::format("{}; its sender is sent away, and the next one is waited for", why),
             is_lost ? Notice::loss : Notice::warning);
        change([&](StreamStatus& status) {
            ++status.refused_senders;
            status.last_refusal = why;
        });
    } else {
        tell(fmt::format("{}: the sender has left{}; the next one is waited for", name_,
                         senders_->is_within_line() ? " within a line, which is not taken" : ""),
             is_lost ? Notice::loss : Notice::note);
    }
    place_ = gives_again_ ? place : SourcePlace{};
    has_given_ = false;
    records_.reset();  // it reads the text that ends here
    senders_->dismiss();
    records_ = make_(senders_->text());
    ++sender_;
    const Result<void> begun = begin();
    ALPHA_ASSERT(begun.has_value(), "of a text that is still to come nothing is refused");
    greet();
}

void SenderRecords::greet() {
    const bool is_connected = senders_->is_connected();
    if (std::exchange(was_connected_, is_connected) == is_connected) {
        return;
    }
    change([&](StreamStatus& status) { status.is_connected = is_connected; });
    if (is_connected && senders_->has_next()) {
        tell(fmt::format("{}: a sender has connected", name_), Notice::note);
    }
}

void SenderRecords::tell(const std::string& what, Notice kind) const {
    if (watch_.tell) {
        watch_.tell(what, kind);
    }
}

}  // namespace alpha
