#include "adapters/paper/spec.hpp"

#include "adapters/paper/paper_broker.hpp"
#include "events/assert.hpp"

namespace alpha {

namespace {

Result<std::vector<Setting>> canonical(const std::vector<Setting>& given) {
    const Result<PaperSettings> settings = paper_settings(given);
    return settings ? to_settings(*settings) : Result<std::vector<Setting>>(tl::unexpected(settings.error()));
}

std::vector<SettingRemark> remarks(const std::vector<Setting>& settings, DataHeld data) {
    const Result<PaperSettings> paper = paper_settings(settings);
    ALPHA_ASSERT(paper, "settings that are not canonical");
    std::vector<SettingRemark> out;
    if (paper->fill == FillModel::next_open && data.quotes && !data.bars) {
        out.push_back({"fill", "the data has no bars to open; write touch, or add bars", true});
    }
    if (paper->fill == FillModel::touch && data.bars && !data.quotes) {
        out.push_back({"fill", "touch fills at the close of the very bar that was decided on, which "
                               "is optimistic; next_open is safer with bars alone"});
    }
    if (paper->fill == FillModel::next_open && paper->use_size && data.bars && data.quotes) {
        out.push_back({"fill", "with use_size an open counts only where no quote comes while its bar lasts; an "
                               "instrument that has both may never fill: write touch, or leave its quotes or use_size "
                               "out"});
    }
    return out;
}

Result<std::unique_ptr<Venue>> make(const std::vector<Setting>& settings) {
    const Result<PaperSettings> paper = paper_settings(settings);
    return paper ? make_paper_broker(*paper) : Result<std::unique_ptr<Venue>>(tl::unexpected(paper.error()));
}

Result<std::unique_ptr<Venue>> hold(const std::vector<Setting>& settings, const std::vector<Setting>& before,
                                    const Venue& held) {
    const Result<PaperSettings> next = paper_settings(settings);
    const Result<PaperSettings> present = paper_settings(before);
    if (!next || !present) {
        return tl::unexpected(next ? present.error() : next.error());
    }
    ByteBuffer saved;
    held.save(saved);
    Result<void> loaded;
    if (next->latency != present->latency) {
        // Requests could overtake those on their way: there may be none, as with a broker that has no latency.
        PaperSettings at_once = *next;
        at_once.latency = {};
        loaded = make_paper_broker(at_once)->load(saved.view());
    }
    std::unique_ptr<Venue> broker = make_paper_broker(*next);
    loaded = loaded ? broker->load(saved.view()) : loaded;
    if (!loaded) {
        return tl::unexpected(loaded.error());
    }
    return broker;
}

}  // namespace

const BrokerSpec& paper_spec() {
    static const BrokerSpec kSpec{.kind = "paper",
                                  .help = "A paper broker, with the settings below.",
                                  .example = "{fill: touch}",
                                  .keys = paper_keys(),
                                  .canonical = canonical,
                                  .remarks = remarks,
                                  .make = make,
                                  .hold = hold};
    return kSpec;
}

}  // namespace alpha
