/// Senders that say any bytes, one after the other: no crash, no wait without end, no end of the session; records in order and in
/// bounds, and a position from which nothing before it comes again.

#include "adapters/data/stream.hpp"
#include "tests/fuzz/records.hpp"

#include <cstdlib>
#include <filesystem>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace alpha::fuzz {

namespace {

/// The socket, in a folder that goes with the process.
const std::string& socket_path() {
    struct Folder {
        Folder() {
            std::string name = (std::filesystem::temp_directory_path() / "alpha-fuzz-XXXXXX").string();
            ALPHA_ASSERT(::mkdtemp(name.data()) != nullptr, "a folder could not be made");
            path = name + "/s";
        }
        ~Folder() {
            std::error_code ignored;
            std::filesystem::remove_all(std::filesystem::path(path).parent_path(), ignored);
        }
        std::string path;
    };
    static const Folder folder;
    return folder.path;
}

/// Connects, says everything and leaves. What it says fits the socket's buffer, so nobody has to read meanwhile.
void send(Bytes text) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_path().copy(address.sun_path, sizeof address.sun_path - 1);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ALPHA_ASSERT(socket >= 0, "a socket can be had");
    ALPHA_ASSERT(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0,
                 "somebody listens");
    ALPHA_ASSERT(::send(socket, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()),
                 "what is said fits the buffer");
    static_cast<void>(::close(socket));
}

/// Reads what the senders say, from the position on, and says where the feed stands then.
ByteBuffer read(DataSource source, const std::vector<Bytes>& senders, Bytes position, Time& last) {
    Interrupt interrupt;
    source.interrupt = &interrupt;
    std::size_t ended = 0;
    FeedWatch watch;
    watch.now = [] { return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()); };
    watch.tell = [&](const std::string& what, Notice) {
        for (const char c : what) {
            ALPHA_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F, "what is told is fit for a terminal");
        }
        if (what.find("the next one is waited for") != std::string::npos && ++ended == senders.size()) {
            interrupt.set();
        }
    };
    const TimesOf hours = [](const std::string&) { return TradingHours{19'800, 33'300, 55'800}; };
    const auto feed =
        position.empty() ? open_feed({source}, hours, watch) : open_feed({source}, hours, position, watch);
    ALPHA_ASSERT(feed.has_value(), "a stream can be opened, and so can a position that it gave");
    for (const Bytes text : senders) {
        send(text);
    }
    ByteBuffer reached;
    while (true) {
        const auto records = (*feed)->next();
        if (!records) {
            ALPHA_ASSERT(records.error().kind == ErrorKind::interrupted, "senders do not end the feed");
            (*feed)->save_position(0, reached);
            return reached;
        }
        ALPHA_ASSERT(!records->empty(), "a socket has no end");
        check_batch(*records, (*feed)->symbols().size(), last);
    }
}

}  // namespace

}  // namespace alpha::fuzz

/// u8 what is said to be sent, then for each sender u16 how many bytes it says, and those.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace alpha;
    constexpr std::size_t kMostSenders = 8;
    fuzz::Input input({data, size});
    const unsigned kind = input.below(4);
    std::vector<Bytes> senders;
    while (!input.empty() && senders.size() < kMostSenders) {
        const Bytes text = input.take(input.number<std::uint16_t>() % 4'096);
        if (!text.empty()) {  // who says nothing is nobody
            senders.push_back(text);
        }
    }
    if (senders.empty()) {
        return 0;
    }
    DataSource source;
    source.stream = "unix:" + fuzz::socket_path();
    if (kind > 0) {
        source.kind = DataKind::bars;
        source.interval = Duration{kind == 1 ? kDayNs : 60 * kSecondNs};
        source.instrument = kind == 3 ? "IBM" : "";
    }
    Time last = kBeforeAll;
    const ByteBuffer position = fuzz::read(source, senders, {}, last);
    static_cast<void>(fuzz::read(source, senders, position.view(), last));
    return 0;
}
