// Sets a timer with its first quote, and again whenever it fires, for ever.
#include <alpha/strategy.hpp>
#include <chrono>

namespace {

class Ticking final : public alpha::Strategy {
public:
    static constexpr const char* name = "ticking";
    static constexpr const char* summary = "has a timer that never rests";
    static constexpr alpha::Param params[] = {
        alpha::integer("ms", "between two of its ticks").at_least("1").by_default("1000"),
    };

    explicit Ticking(const alpha::Settings& settings) : ms_(settings.integer("ms")) {}

    void on_quote(const alpha::Quote&, alpha::Context& context) override {
        if (!ticks_) {
            ticks_ = true;
            set(context);
        }
    }
    void on_timer(alpha::TimerId, alpha::Context& context) override { set(context); }

private:
    void set(alpha::Context& context) const { context.set_timer(1, context.now() + std::chrono::milliseconds(ms_)); }

    std::int64_t ms_;
    bool ticks_ = false;
};

}  // namespace

ALPHA_STRATEGY(Ticking)
