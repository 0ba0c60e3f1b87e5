#include "runtime/inbox.hpp"

#include "store/machine.hpp"

#include <algorithm>
#include <iterator>

namespace alpha {

namespace {

/// Takes those whose asker has gone out of a list: so no more of them wait than there are askers.
template <class T, class Gone>
std::vector<T> take_gone(std::vector<T>& waiting, Gone gone) {
    const auto first =
        std::stable_partition(waiting.begin(), waiting.end(), [&](const T& each) { return !gone(each); });
    std::vector<T> taken(std::make_move_iterator(first), std::make_move_iterator(waiting.end()));
    waiting.erase(first, waiting.end());
    return taken;
}

}  // namespace

Reply::~Reply() {
    static_cast<void>(no_exceptions([this] {
        (*this)(fail(ErrorKind::transient, "the session ended before it came to this; nothing was done"));
        return Result<void>{};
    }));
}

void Inbox::wake() {
    any_.store(true, std::memory_order_release);
    if (wake_) {
        wake_();
    }
}

void Inbox::post(Message message) {
    std::vector<Message> gone;  // answered when the lock is free again
    Reply::Outcome refusal = has_ended();
    {
        const std::lock_guard lock(mutex_);
        gone = take_gone(waiting_, [](const Message& each) { return each.asker.has_gone(); });
        if (!closed_ && waiting_.size() < kMessagesMax) {
            if (message.kills && hold_) {
                hold_(*message.kills);
            }
            waiting_.push_back(std::move(message));
            wake();
            return;
        }
        if (!closed_) {
            refusal = fail(ErrorKind::transient, "the session has more to do than it comes to; ask again");
        }
    }
    message.asker.reply(std::move(refusal));
}

void Inbox::ask_status(Asker asker) {
    std::vector<Asker> gone;
    Reply::Outcome answer = has_ended();
    {
        const std::lock_guard lock(mutex_);
        const bool is_fresh = published_ != nullptr && clock_.now() - published_at_ < kStatusAge;
        if (!closed_ && !is_fresh) {
            gone = take_gone(curious_, [](const Asker& each) { return each.has_gone(); });
            curious_.push_back(std::move(asker));
            wake();
            return;
        }
        if (!closed_) {
            answer = published_;
        }
    }
    asker.reply(std::move(answer));
}

void Inbox::close() {
    std::vector<Message> late;
    std::vector<Asker> curious;
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        any_.store(false, std::memory_order_release);
        late = std::exchange(waiting_, {});
        curious = std::exchange(curious_, {});
    }
    for (Message& message : late) {
        message.asker.reply(has_ended());
    }
    for (Asker& asker : curious) {
        asker.reply(has_ended());
    }
}

void Inbox::on_post(std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
}

void Inbox::on_kill(std::function<void(const std::string&)> hold) {
    const std::lock_guard lock(mutex_);
    hold_ = std::move(hold);
}

void Inbox::unless_killing(const std::function<void()>& lift) {
    const std::lock_guard lock(mutex_);
    if (std::ranges::none_of(waiting_, [](const Message& message) { return message.kills.has_value(); })) {
        lift();
    }
}

std::vector<Message> Inbox::take() {
    const std::lock_guard lock(mutex_);
    any_.store(!curious_.empty(), std::memory_order_release);
    return std::exchange(waiting_, {});
}

bool Inbox::is_status_wanted() const {
    const std::lock_guard lock(mutex_);
    return !curious_.empty();
}

void Inbox::publish(std::shared_ptr<const SessionStatus> status) {
    std::vector<Asker> curious;
    {
        const std::lock_guard lock(mutex_);
        published_ = status;
        published_at_ = clock_.now();
        curious = std::exchange(curious_, {});
        any_.store(!waiting_.empty(), std::memory_order_release);
    }
    for (Asker& asker : curious) {
        asker.reply(status);
    }
}

}  // namespace alpha
