#include "results/charts.hpp"
#include "results/report.hpp"
#include "results/svg.hpp"
#include "tests/results/sample_results.hpp"

#include <catch2/catch.hpp>
#include <clocale>
#include <cstdlib>
#include <fmt/format.h>
#include <locale>
#include <regex>
#include <set>

using namespace alpha;

namespace {

struct Element {
    std::string name;
    std::map<std::string, std::string> attributes;
    std::string text;  ///< of it and all within, entities resolved
};

/// Reads markup as an XML parser would, and throws at the first thing that one would refuse.
class Markup {
public:
    explicit Markup(std::string_view text) : text_(text) {
        const std::string doctype = "<!DOCTYPE html>\n";
        expect(text_.starts_with(doctype), "no doctype");
        at_ = doctype.size();
        while (at_ < text_.size()) {
            text_[at_] == '<' ? tag() : character();
        }
        expect(open_.empty(), "an element that is not closed");
    }
    const std::vector<Element>& elements() const { return all_; }

    std::vector<const Element*> named(std::string_view name) const {
        std::vector<const Element*> found;
        for (const Element& each : all_) {
            if (each.name == name) {
                found.push_back(&each);
            }
        }
        return found;
    }
    std::vector<const Element*> with(const std::string& attribute) const {
        std::vector<const Element*> found;
        for (const Element& each : all_) {
            if (each.attributes.contains(attribute)) {
                found.push_back(&each);
            }
        }
        return found;
    }

private:
    void expect(bool holds, const std::string& what) const {
        if (!holds) {
            throw std::runtime_error(fmt::format("{} at \"{}\"", what, text_.substr(at_ < 40 ? 0 : at_ - 40, 90)));
        }
    }
    char entity() {
        static const std::map<std::string, char> kKnown{
            {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}};
        const std::string name(text_.substr(at_, text_.find(';', at_) - at_ + 1));
        expect(kKnown.contains(name), "an unknown entity");
        at_ += name.size();
        return kKnown.at(name);
    }
    char next() {
        if (text_[at_] == '&') {
            return entity();
        }
        const auto byte = static_cast<unsigned char>(text_[at_]);
        expect(byte >= 0x20 || byte == '\n', "a control character");
        return text_[at_++];
    }
    void character() {
        const char c = next();
        for (const std::size_t each : open_) {
            all_[each].text += c;
        }
    }
    std::string name() {
        const std::size_t end =
            text_.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", at_);
        expect(end != at_, "no name");
        std::string word(text_.substr(at_, end - at_));
        at_ = end;
        return word;
    }
    void tag() {
        ++at_;
        if (text_[at_] == '/') {
            ++at_;
            const std::string closed = name();
            expect(!open_.empty() && all_[open_.back()].name == closed, "closes what is not open");
            open_.pop_back();
            expect(text_[at_++] == '>', "no >");
            return;
        }
        Element element{name(), {}, {}};
        while (text_[at_] == ' ') {
            ++at_;
            const std::string attribute = name();
            expect(text_.substr(at_, 2) == "=\"", "an attribute without quotes");
            at_ += 2;
            std::string value;
            while (text_[at_] != '"') {
                expect(text_[at_] != '<', "< in an attribute");
                value += next();
            }
            ++at_;
            expect(element.attributes.emplace(attribute, value).second, "an attribute twice");
        }
        const bool is_closed = text_[at_] == '/';
        at_ += is_closed ? 1 : 0;
        expect(text_[at_++] == '>', "no > at the end of a tag");
        all_.push_back(element);
        if (!is_closed) {
            open_.push_back(all_.size() - 1);
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::vector<Element> all_;
    std::vector<std::size_t> open_;
};

std::vector<std::pair<std::string, Results>> all_samples() {
    std::vector<std::pair<std::string, Results>> all;
    all.emplace_back("full", sample_results());
    all.emplace_back("empty", empty_results());
    all.emplace_back("nothing at all", Results{});
    all.emplace_back(
        "losses only",
        sample_results({.days = 90, .trades = 24, .edge_paise = -1'000, .luck_paise = 900, .has_benchmark = false}));
    all.emplace_back("two days", sample_results({.days = 2, .trades = 9}));
    all.emplace_back("hostile", sample_results({.prefix = kHostileName}));
    return all;
}

std::size_t count_of(std::string_view text, std::string_view what) {
    std::size_t count = 0;
    for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + what.size())) {
        ++count;
    }
    return count;
}

Money rupees(std::int64_t amount) {
    return money_of(amount);
}

/// Four days, worked out by hand: 100 to 110, 99 (ten per cent below), 121, 121. One statistic of each unit.
Results four_days() {
    Results r;
    r.scenario = "by hand";
    r.currency = "USD";
    r.journal = "my runs/by hand";
    r.initial_cash = rupees(100);
    const std::array<std::int64_t, 4> equity{110, 99, 121, 121};
    for (std::size_t i = 0; i < equity.size(); ++i) {
        // 2024-01-30, 2024-01-31, 2024-02-01, 2024-02-02
        r.days.push_back({Date{19'752 + static_cast<std::int32_t>(i)}, rupees(equity[i]), 0.5});
    }
    r.equity = rupees(121);
    r.charges = rupees(4);
    r.costs = {{"price", rupees(27)}, {"slippage", rupees(-2)}, {"brokerage", rupees(-4)}};
    r.statistics.metrics = {
        {"net_return", "net return", "return", MetricUnit::percent, 0.21},
        {"gross_return", "gross return", "return", MetricUnit::percent, 0.25},
        {"cagr", "CAGR", "return", MetricUnit::percent, -0.034},
        {"max_drawdown", "max drawdown, by day", "drawdown", MetricUnit::percent, -0.1},
        {"max_drawdown_days", "longest drawdown", "drawdown", MetricUnit::days, std::uint64_t{1}},
        {"sharpe", "Sharpe ratio", "ratio", MetricUnit::ratio, 1.206},
        {"deflated_sharpe", "deflated Sharpe ratio", "ratio", MetricUnit::percent, {}},
        {"profit_factor", "profit factor", "trade", MetricUnit::ratio, {}},
        {"trades", "trades", "trade", MetricUnit::count, std::uint64_t{1'234'567}},
        {"win_rate", "win rate", "trade", MetricUnit::percent, 0.46},
        {"exposure_time", "exposure time", "trade", MetricUnit::percent, 0.2249},
        {"charges", "charges", "trade", MetricUnit::money, rupees(4)},
        {"average_held", "average held", "trade", MetricUnit::duration, Duration{93'600 * kSecondNs}},
        {"start", "start", "return", MetricUnit::date, Date{19'752}}};
    return r;
}

std::string card_of(const Markup& page, const std::string& id) {
    for (const Element* const each : page.with("data-metric")) {
        if (each->attributes.at("data-metric") == id) {
            return each->text;
        }
    }
    return "no card";
}

}  // namespace

TEST_CASE("a report is well-formed, and every link in it leads somewhere", "[report]") {
    for (const auto& [name, results] : all_samples()) {
        INFO(name);
        const std::string html = report_html(results);
        const Markup page(html);
        std::set<std::string> ids;
        for (const Element* const each : page.with("id")) {
            INFO(each->attributes.at("id"));
            CHECK(ids.insert(each->attributes.at("id")).second);
        }
        for (const Element* const each : page.with("href")) {
            const std::string target = each->attributes.at("href");
            INFO(target);
            REQUIRE(target.starts_with('#'));
            CHECK(ids.contains(target.substr(1)));
        }
        CHECK(page.named("h1").size() == 1);
        CHECK(page.named("html").front()->attributes.at("lang") == "en");
        for (const Element* const each : page.named("svg")) {
            CHECK(each->attributes.at("role") == "img");
            CHECK(each->attributes.at("aria-label").size() > 10);
        }
        for (const Element* const each : page.named("th")) {
            CHECK(each->attributes.contains("scope"));
        }
    }
}

TEST_CASE("headings come in order", "[report]") {
    const std::string html = report_html(sample_results());
    const Markup page(html);
    int before = 0;
    for (const Element& each : page.elements()) {
        if (each.name.size() == 2 && each.name[0] == 'h' && each.name[1] >= '1' && each.name[1] <= '6') {
            INFO(each.text);
            CHECK(each.name[1] - '0' <= before + 1);
            before = each.name[1] - '0';
        }
    }
    CHECK(before > 0);
}

TEST_CASE("a report asks for nothing and runs nothing", "[report]") {
    for (const auto& [name, results] : all_samples()) {
        INFO(name);
        const std::string html = report_html(results);
        for (const char* const banned : {"http:", "https:", "src=", "url(", "<script", "@import",
                                         "javascript:", "<link", "<iframe", "<object", "<img", "<form"}) {
            INFO(banned);
            CHECK(html.find(banned) == std::string::npos);
        }
        const Markup page(html);
        for (const Element& each : page.elements()) {
            for (const auto& [attribute, value] : each.attributes) {
                INFO(attribute);
                CHECK_FALSE(attribute.starts_with("on"));
            }
        }
        CHECK(html.find("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'") !=
              std::string::npos);
    }
}

TEST_CASE("the same results are the same bytes, in any locale", "[report]") {
    const Results results = sample_results();
    const std::string html = report_html(results);
    CHECK(report_html(sample_results()) == html);
    const std::string before = std::setlocale(LC_ALL, nullptr);
    if (std::setlocale(LC_ALL, "de_DE.UTF-8") == nullptr) {
        WARN("skipped: there is no German locale here");
        return;
    }
    const std::locale global = std::locale::global(std::locale("de_DE.UTF-8"));
    const std::string abroad = report_html(results);
    std::locale::global(global);
    std::setlocale(LC_ALL, before.c_str());
    CHECK((abroad == html));
}

TEST_CASE("every statistic is in the table and has its formula", "[report]") {
    const Results results = sample_results();
    const std::string html = report_html(results);
    const Markup page(html);
    std::map<std::string, std::string> texts;
    for (const Element* const each : page.with("id")) {
        texts[each->attributes.at("id")] = each->text;
    }
    REQUIRE(!results.statistics.metrics.empty());
    for (const Metric& metric : results.statistics.metrics) {
        INFO(metric.id);
        CHECK(texts.at(std::string("m-") + metric.id) == metric_text(metric, "INR"));
    }
    for (const MetricSpec& spec : metric_specs()) {
        INFO(spec.id);
        CHECK(texts.at(std::string("f-") + spec.id).find(spec.formula) != std::string::npos);
    }
    for (const char* const id : {"net_return", "cagr", "max_drawdown", "sharpe", "profit_factor", "trades", "win_rate",
                                 "exposure_time", "charges"}) {
        INFO(id);
        CHECK(card_of(page, id) == texts.at(std::string("m-") + id));
    }
}

TEST_CASE("cards say what the statistics say, and why where they cannot", "[report]") {
    const std::string html = report_html(four_days());
    const Markup page(html);
    CHECK(card_of(page, "net_return") == "+21.00%");
    CHECK(card_of(page, "gross_return") == "+25.00%");
    CHECK(card_of(page, "cagr") == "-3.40%");
    CHECK(card_of(page, "max_drawdown") == "-10.00%");
    CHECK(card_of(page, "max_drawdown_days") == "1 day");
    CHECK(card_of(page, "sharpe") == "1.21");
    CHECK(card_of(page, "profit_factor") == "n/a");
    CHECK(card_of(page, "trades") == "1,234,567");
    CHECK(card_of(page, "win_rate") == "46.00%");
    CHECK(card_of(page, "exposure_time") == "22.49%");
    CHECK(card_of(page, "charges") == "$4.00");
    CHECK(html.find("<p class=\"value\">16.00%</p>") != std::string::npos);  // 4 of 25
    CHECK(html.find("no trade was closed") != std::string::npos);
    CHECK(html.find("not deflated: no ledger of trials") != std::string::npos);
    CHECK(html.find(">1 d 02 h<") != std::string::npos);
    CHECK(html.find(">2024-01-30<") != std::string::npos);
    // Annual numbers of four days are said to be drawn out.
    CHECK(html.find("drawn out from 4 trading days") != std::string::npos);
}

TEST_CASE("what four days come to, by hand", "[report]") {
    const Results results = four_days();
    const std::string html = report_html(results);
    // 110 / 100 and 99 / 110 make January 0.99; 121 / 99 is February.
    CHECK(html.find(">-1.0</td>") != std::string::npos);
    CHECK(html.find(">+22.2</td>") != std::string::npos);
    CHECK(html.find(">+21.0</td>") != std::string::npos);
    CHECK(html.find("1 of 2 months gained") != std::string::npos);
    CHECK(html.find("The best day was 2024-02-01 (+22.22%), the worst 2024-01-31 (-\u206010.00%)") !=
          std::string::npos);
    const std::vector<DrawdownPeriod> worst = worst_drawdowns(results);
    REQUIRE(worst.size() == 1);
    CHECK(worst[0].depth == Approx(-0.1));
    CHECK(worst[0].peak == Date{19'752});
    CHECK(worst[0].trough == Date{19'753});
    CHECK(worst[0].recovered == Date{19'754});
    CHECK(html.find("Rolling statistics:</strong> they are those of the last 63 trading days, and the run has 4.") !=
          std::string::npos);
    // The way from 27 to 21: what is left is 77.78 of a hundred.
    CHECK(html.find("Of $27.00 that prices gave, $21.00 were left (77.78%).") != std::string::npos);
    // A journal's name that a shell would take for two words is quoted.
    CHECK(html.find("alpha verify &#39;my runs/by hand&#39;") != std::string::npos);
}

TEST_CASE("rolling statistics begin with the sixty-third day", "[report]") {
    CHECK(report_html(sample_results({.days = 62})).find("Rolling Sharpe ratio") == std::string::npos);
    CHECK(report_html(sample_results({.days = 63})).find("Rolling Sharpe ratio") != std::string::npos);
    const std::string alone = report_html(sample_results({.days = 63, .has_benchmark = false}));
    CHECK(alone.find("<strong>Rolling beta:</strong> there is no benchmark.") != std::string::npos);

    // Half a per cent up and a quarter down by turns: 32 and 31 of 63 days. Of a level benchmark there is no beta.
    Results results;
    results.currency = "USD";
    results.initial_cash = rupees(1'000'000);
    double equity = 1'000'000;
    for (std::int32_t i = 0; i < 63; ++i) {
        equity *= i % 2 == 0 ? 1.005 : 0.9975;
        results.days.push_back({Date{19'000 + i}, Money{static_cast<Int128>(equity * static_cast<double>(kScale))}, 0});
        results.benchmark.push_back(1'000'000);
    }
    results.equity = results.days.back().equity;
    results.benchmark_name = "LEVEL";
    const std::string html = report_html(results);
    // mean = (32 * 0.005 - 31 * 0.0025) / 63 = 0.00130952, deviation = 0.0075 sqrt(32 * 31 / 63 / 62) = 0.00377964; times sqrt(252) = 15.8745
    CHECK(html.find("Between 5.50 and 5.50; 5.50 at the end.") != std::string::npos);
    CHECK(html.find("Between 6.00% and 6.00%; 6.00% at the end.") != std::string::npos);
    CHECK(html.find("It cannot be said on any day.") != std::string::npos);
}

TEST_CASE("names from outside change nothing around them", "[report]") {
    const std::string html = report_html(sample_results({.prefix = kHostileName}));
    const Markup page(html);
    CHECK(page.named("script").empty());
    CHECK(page.named("title").front()->text.starts_with(
        "</title><script>alert('x')</script>\" onload=\"y\" &amp; ␁␛[31m� �]]> 'q' breakout"));
    CHECK(page.named("h1").front()->text ==
          "</title><script>alert('x')</script>\" onload=\"y\" &amp; ␁␛[31m� �]]> 'q' breakout");

    CHECK(escaped("a < b & c > \"d\" 'e'") == "a &lt; b &amp; c &gt; &quot;d&quot; &#39;e&#39;");
    CHECK(escaped(std::string_view("\0\t\n\r\x1f\x7f", 6)) == "␀␉␊␍␟␡");
    CHECK(escaped("₹ é 日本 😀") == "₹ é 日本 😀");
    CHECK(escaped("\xc2") == "\uFFFD");            // cut short
    CHECK(escaped("\xc0\xaf") == "\uFFFD\uFFFD");  // longer than need be
    CHECK(escaped("\xe0\x80\xaf") == "\uFFFD\uFFFD\uFFFD");
    CHECK(escaped("\xed\xa0\x80") == "\uFFFD\uFFFD\uFFFD");            // half of a pair
    CHECK(escaped("\xf4\x90\x80\x80") == "\uFFFD\uFFFD\uFFFD\uFFFD");  // beyond Unicode
    CHECK(escaped("a\u202Eb\u2066c\u200Fd") == "a\uFFFDb\uFFFDc\uFFFDd");
    CHECK(escaped("\u0085\uFFFE\U0001FFFF\uFDD0") == "\uFFFD\uFFFD\uFFFD\uFFFD");
}

TEST_CASE("a trade is listed with the command that shows its events", "[report]") {
    Results results = sample_results({.days = 30, .trades = 5});
    const std::string html = report_html(results);
    CHECK(html.find("alpha log runs/breakout <span class=\"whole\">--from</span> EVENT <span "
                    "class=\"whole\">--limit</span> 10") != std::string::npos);
    for (const Trade& trade : results.rounds) {
        CHECK(html.find(fmt::format("title=\"alpha log runs/breakout --from {} --limit 10\">{}<", trade.entry.event,
                                    trade.entry.event)) != std::string::npos);
    }
    CHECK(count_of(html, ">open</td>") == 2);  // the exit's time, and what ended it
}

TEST_CASE("a hundred thousand trades make a page of a known size", "[report]") {
    const std::string html = report_html(sample_results({.days = 2'500, .trades = 100'000}));
    const Markup page(html);
    CHECK(html.size() < 1'000'000);
    CHECK(html.find("99,500 more: ") != std::string::npos);
    // A tenth of the trades in as many days: what grows is the digits.
    const std::string tenth = report_html(sample_results({.days = 2'500, .trades = 10'000}));
    CHECK(std::max(html.size(), tenth.size()) - std::min(html.size(), tenth.size()) < 50'000);
}

TEST_CASE("coordinates have at most two decimals", "[report]") {
    const std::string html = report_html(sample_results());
    const std::regex longer("[0-9]\\.[0-9]{3}");
    const Markup page(html);
    std::size_t paths = 0;
    for (const Element& each : page.elements()) {
        for (const char* const name : {"d", "x", "y", "width", "height", "cx", "cy", "r", "style"}) {
            if (const auto at = each.attributes.find(name); at != each.attributes.end()) {
                CHECK_FALSE(std::regex_search(at->second, longer));
                CHECK(at->second.find("nan") == std::string::npos);
                CHECK(at->second.find("inf") == std::string::npos);
                ++paths;
            }
        }
    }
    CHECK(paths > 500);
}

TEST_CASE("what makes one doubt is said beside the cards", "[report]") {
    Results results = four_days();
    CHECK(report_html(results).find("No trade was closed") != std::string::npos);
    results = sample_results({.days = 40, .trades = 3, .has_open = false});
    results.equity = results.initial_cash + rupees(100);
    results.charges = rupees(300);
    results.lots[0].gross = rupees(80) + results.lots[0].charges;
    results.lots[1].gross = results.lots[1].charges - rupees(10);
    results.lots[2].gross = results.lots[2].charges + rupees(30);
    results.refused = 1;
    const std::string html = report_html(results);
    CHECK(html.find("Only 3 trades were closed") != std::string::npos);
    CHECK(html.find("It covers 40 trading days") != std::string::npos);
    CHECK(html.find("One trade made 80.00% of the net.") != std::string::npos);
    CHECK(html.find("Charges took 75.00% of what was earned.") != std::string::npos);
    CHECK(html.find("1 order was refused") != std::string::npos);
}

TEST_CASE("ticks are round and few", "[report]") {
    const auto texts = [](const std::vector<Tick>& ticks) {
        std::vector<std::string> all;
        all.reserve(ticks.size());
        for (const Tick& tick : ticks) {
            all.push_back(tick.text);
        }
        return all;
    };
    using Texts = std::vector<std::string>;
    CHECK(nice_step(0, 100, 5) == 20);
    CHECK(nice_step(0, 1, 4) == Approx(0.5));
    CHECK(nice_step(0, 0.09, 5) == Approx(0.02));
    CHECK(nice_step(7, 7, 5) == 1);
    CHECK(texts(money_ticks({0, 250'000, false}, 5, "INR")) ==
          Texts{"₹0.0", "₹0.5L", "₹1.0L", "₹1.5L", "₹2.0L", "₹2.5L"});
    CHECK(texts(money_ticks({-20'000'000, 20'000'000, false}, 4, "INR")) ==
          Texts{"-₹2Cr", "-₹1Cr", "₹0", "₹1Cr", "₹2Cr"});
    CHECK(texts(money_ticks({0, 250'000, false}, 5, "USD")) == Texts{"$0", "$50k", "$100k", "$150k", "$200k", "$250k"});
    CHECK(texts(money_ticks({0, 2'000'000, false}, 2, "EUR")) == Texts{"0", "1M", "2M"});
    CHECK(texts(percent_ticks({-0.04, 0, false}, 2)) == Texts{"-4%", "-2%", "0%"});
    CHECK(texts(number_ticks({-0.1, 0.1, false}, 4)) == Texts{"-0.10", "-0.05", "0.00", "0.05", "0.10"});
    const Extent none = nice_extent(Extent{}, 4);
    CHECK(none.low == 0);
    CHECK(none.high == 1);
    const Extent wide = nice_extent({3, 98, false}, 5);
    CHECK(wide.low == 0);
    CHECK(wide.high == 100);

    std::vector<Date> days;
    days.reserve(400);
    for (std::int32_t i = 0; i < 400; ++i) {
        days.push_back(Date{19'722 + i});  // from 2023-12-31
    }
    CHECK(texts(date_ticks(days, 4)) == Texts{"Jan 2024", "Jul 2024", "Jan 2025"});
    CHECK(date_ticks(days, 4)[1].value == 183);  // the last day of December, and 182 of January to June of a leap year
    days.resize(5);
    CHECK(texts(date_ticks(days, 5)) == Texts{"31 Dec", "1 Jan", "2 Jan", "3 Jan", "4 Jan"});
    days.resize(2);
    CHECK(texts(date_ticks(days, 1)) == Texts{"2023-12-31"});
    std::vector<Time> times;
    times.reserve(4);
    for (std::int64_t i = 0; i < 4; ++i) {
        times.push_back(Time{(1'704'166'200 + i * 3'600) * kSecondNs});  // from 2024-01-02 03:30 UTC
    }
    CHECK(texts(time_ticks(times, 19'800, 2)) == Texts{"09:00", "11:00"});
    CHECK(show_minute(times[0], 19'800) == "2024-01-02 09:00");
    CHECK(show_minute(Time{-1}, 0) == "1969-12-31 23:59");
}
