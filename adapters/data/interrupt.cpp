#include "adapters/data/interrupt.hpp"

#include <cerrno>
#include <cstdint>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

namespace alpha {

Interrupt::Interrupt() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (descriptor_ < 0) {
        throw std::system_error(errno, std::generic_category());
    }
}
Interrupt::~Interrupt() {
    static_cast<void>(::close(descriptor_));
}
void Interrupt::set() const {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(descriptor_, &one, sizeof one));  // full is set, too
}

}  // namespace alpha
