#include "adapters/data/source.hpp"

namespace alpha {

std::string stream_name(std::string_view stream) {
    return stream == "stdin" ? "standard input" : std::string(stream);
}

std::string DataSource::name() const {
    return is_stream() ? stream_name(stream) : synth ? "synthetic data" : shown_as.empty() ? file : shown_as;
}

}  // namespace alpha
