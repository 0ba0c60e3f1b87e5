#include "runtime/outside_links.hpp"

#include "events/order_tag.hpp"
#include "runtime/inbox.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace alpha {

struct OutsideLinks::Link {
    BrokerId broker;
    OutsideBrokerOptions options;
    std::vector<std::string> portfolios;   ///< that trade through it
    std::shared_ptr<BrokerThread> thread;  ///< shared with who says what is durable
    std::optional<Sends> sends;
};

Result<std::unique_ptr<OutsideLinks>> OutsideLinks::make(const std::vector<OutsideBrokerOptions>& options,
                                                         const RunConfigured& config) {
    std::unique_ptr<OutsideLinks> links(new OutsideLinks());
    for (const OutsideBrokerOptions& each : options) {
        const auto at = std::ranges::find(config.brokers, each.broker, &BrokerConfig::name);
        if (at == config.brokers.end()) {
            return fail(ErrorKind::usage, fmt::format("the scenario has no broker '{}'", each.broker));
        }
        ALPHA_ASSERT(each.log_number <= kMaxLogNumber, "a journal's number fits an order's tag");
        auto link = std::make_unique<Link>();
        link->broker = BrokerId{static_cast<std::uint32_t>(at - config.brokers.begin())};
        link->options = each;
        for (std::uint32_t p = 0; p < config.portfolios.size(); ++p) {
            if (broker_of(config, PortfolioId{p}) == &*at) {
                link->portfolios.push_back(config.portfolios[p].name);
            }
        }
        links->links_.push_back(std::move(link));
    }
    return links;
}

OutsideLinks::~OutsideLinks() = default;

void OutsideLinks::introduce(Kernel& kernel, bool is_resumed) {
    for (const auto& link : links_) {
        const OutsideBroker* const known = kernel.state().outside_of(link->broker);
        const BrokerRulesSet set{link->broker, known == nullptr ? link->options.log_number : known->book.log_number(),
                                 link->options.rules};
        const Time now = kernel.state().now;
        if (known == nullptr || known->book.rules() != set.rules) {
            kernel.take(now, set);
        }
        if (is_resumed) {
            kernel.take(now, BrokerSessionChanged{link->broker, SessionChange::restarted});
        }
    }
}

void OutsideLinks::connect(const State& state, Clock& clock, const std::function<void()>& wake) {
    for (const auto& link : links_) {
        link->thread = std::make_shared<BrokerThread>(BrokerThread::Options{
            link->broker, std::move(link->options.make_client), link->options.gateway, &clock, wake});
        link->thread->set_event_time(state.now);
        link->sends.emplace(state, link->broker, link->thread->outbox(), link->options.limits);
        link->thread->post([](Gateway& gateway, Time at) { gateway.connect(at); });
    }
}

void OutsideLinks::disconnect() {
    for (const auto& link : links_) {
        if (link->thread != nullptr) {
            link->thread->stop();
        }
    }
}

bool OutsideLinks::any() const {
    return std::ranges::any_of(links_, [](const auto& link) { return link->thread != nullptr && link->thread->any(); });
}

void OutsideLinks::take_words(Kernel& kernel, Time now, std::vector<Evidence>& evidence) {
    for (const auto& link : links_) {
        for (auto& [word, kept] : link->thread->take()) {
            while (kernel.step_due(now, false)) {}  // so that the word is the next event
            if (!kept.empty()) {
                evidence.push_back({kernel.state().next_seq, std::move(kept)});
            }
            kernel.take(now, word);
            if (const auto* const ended = std::get_if<SendEnded>(&word);
                ended != nullptr && ended->outcome == SendOutcome::doubtful) {
                link->sends->halve(now);
            }
        }
    }
}

std::size_t OutsideLinks::start_sends(Kernel& kernel, Time now) {
    std::size_t begun = 0;
    for (const auto& link : links_) {
        if (!link->sends) {
            continue;
        }
        begun += link->sends->start(kernel, now);
        link->thread->set_event_time(now);
        if (const auto expected = link->sends->expected(kernel.state())) {
            link->thread->expect(expected->unsure, expected->working);
        }
    }
    return begun;
}

std::function<void()> OutsideLinks::when_durable(Seq seq) const {
    std::vector<std::shared_ptr<BrokerThread>> threads;
    threads.reserve(links_.size());
    for (const auto& link : links_) {
        threads.push_back(link->thread);
    }
    return [threads = std::move(threads), seq] {
        for (const std::shared_ptr<BrokerThread>& thread : threads) {
            thread->outbox().set_durable(seq);
        }
    };
}

Time OutsideLinks::next_due() const {
    Time due = kNever;
    for (const auto& link : links_) {
        due = link->sends ? std::min(due, link->sends->next_due()) : due;
    }
    return due;
}

void OutsideLinks::hold(const std::string& portfolio) {
    for (const auto& link : links_) {
        if (link->thread != nullptr &&
            (portfolio.empty() || std::ranges::find(link->portfolios, portfolio) != link->portfolios.end())) {
            link->thread->outbox().hold_places(true);
        }
    }
}

void OutsideLinks::lift(Inbox& inbox, Seq next_seq) {
    for (const auto& link : links_) {
        if (link->thread != nullptr && link->thread->outbox().holds_places()) {
            inbox.unless_killing([&] { link->thread->outbox().release(next_seq); });
        }
    }
}

void OutsideLinks::settle(std::chrono::milliseconds most) {
    for (const auto& link : links_) {
        if (link->thread != nullptr) {
            link->thread->settle(most);
        }
    }
}

}  // namespace alpha
