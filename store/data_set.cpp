#include "store/data_set.hpp"

#include "store/checksum.hpp"
#include "store/disk.hpp"
#include "store/frame.hpp"
#include "store/wire.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <optional>

namespace alpha {

namespace {

constexpr std::string_view kMagic = "alphaset";
constexpr std::string_view kEndMagic = "alphaend";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeadBytes = 16;
constexpr std::size_t kEndBytes = 16;

/// Large enough for the columns to pay, small enough that a few fit the cache; also one leaf of the
/// hash.
constexpr std::uint32_t kRecordsPerFrame = 4'096;
constexpr std::size_t kBufferBytes = 256U << 10U;
/// No frame of so many records comes near this, whatever it holds.
constexpr std::size_t kMaxStoredFrame = 1U << 20U;

static_assert(limits::kMaxPrice.raw == limits::kMaxQty.raw, "records are checked against one bound");
constexpr auto kMaxValue = static_cast<std::uint64_t>(limits::kMaxPrice.raw);

Bytes bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

tl::unexpected<Error> wrong(const std::string& path, const std::string& what) {
    return fail(ErrorKind::data, "The data set " + path + " " + what + ".");
}

void put_symbols(ByteBuffer& out, const std::vector<std::string>& symbols) {
    for (const std::string& symbol : symbols) {
        put(out, static_cast<std::uint32_t>(symbol.size()));
        out.append(bytes_of(symbol));
    }
}

Digest content_hash(const Digest& head, const DataSetInfo& info) {
    ByteBuffer bytes;
    bytes.append(head);
    put(bytes, static_cast<std::uint8_t>(info.kind));
    put(bytes, static_cast<std::uint8_t>(info.date_only));
    put(bytes, info.interval.ns);
    put(bytes, static_cast<std::uint32_t>(info.symbols.size()));
    put_symbols(bytes, info.symbols);
    return sha256(bytes.view());
}

/// The first 8 bytes of every record: payload length, tag, version, no flags.
struct RecordShape {
    std::uint64_t start = 0;
    std::size_t bytes = 0;
    bool has_volume = false;  ///< the last of the five numbers behind the instrument id is one
};
/// Prices and quantities behind the instrument id.
constexpr std::size_t kBounded = 4;
constexpr RecordShape shape_of(std::uint16_t tag, std::uint8_t version, std::size_t values) {
    const std::size_t payload = sizeof(std::uint32_t) + values * sizeof(std::int64_t);
    return {payload | std::uint64_t{tag} << 32U | std::uint64_t{version} << 48U, kHeaderBytes + payload,
            values == kBounded + 1};
}
constexpr RecordShape shape_of(DataKind kind) {
    return kind == DataKind::quotes ? shape_of(QuoteTick::tag, QuoteTick::version, 4)
                                    : shape_of(BarClosed::tag, kStoredBarVersion, 5);
}
static_assert(shape_of(DataKind::bars).bytes == kStoredBarBytes);

/// Checks the canonical bytes of records, as they are written and as they are read. Returns what is
/// wrong, or null.
class RecordCheck {
public:
    explicit RecordCheck(DataKind kind) : shape_(shape_of(kind)) {}

    Time last() const { return last_; }

    const char* check(const Frame& frame, std::size_t symbols) {
        if (frame.bytes.size() != frame.events * shape_.bytes) {
            return "holds something other than its records";
        }
        const std::uint8_t* at = frame.bytes.data();
        for (std::uint32_t i = 0; i < frame.events; ++i, at += shape_.bytes) {
            if (const char* const what = check(at, symbols); what != nullptr) {
                return what;
            }
        }
        return nullptr;
    }
    /// Requires shape_of(kind).bytes bytes at `at`.
    const char* check(const std::uint8_t* at, std::size_t symbols) {
        if (load<std::uint64_t>(at) != shape_.start) {
            return "holds something other than its records";
        }
        const Time time{load<std::int64_t>(at + 8)};
        if (time < kMinTime || time >= kMaxTime) {
            return "has a record from before 1800 or after 2199";
        }
        if (time < last_) {
            return "has a record that is earlier than the one before it";
        }
        if (load<std::uint32_t>(at + kHeaderBytes) >= symbols) {
            return "has a record of a symbol it does not list";
        }
        std::uint64_t largest = 0;  // negative values are the largest of all when read without their sign
        for (std::size_t i = 0; i < kBounded; ++i) {
            largest = std::max(largest, load<std::uint64_t>(at + kHeaderBytes + sizeof(std::uint32_t) + 8 * i));
        }
        Volume volume;
        if (shape_.has_volume) {
            volume.raw = load<std::int64_t>(at + kHeaderBytes + sizeof(std::uint32_t) + 8 * kBounded);
        }
        if (largest > kMaxValue || !volume.is_valid()) {
            return "has a price, quantity or volume that is negative or too large";
        }
        last_ = time;
        return nullptr;
    }

private:
    RecordShape shape_;
    Time last_ = kMinTime;
};

}  // namespace

// ---- writing ------------------------------------------------------------------------------------------------------------

struct DataSetWriter::Writing {
    Writing(std::string path_, Partial::WithFile place, DataKind kind)
        : path(std::move(path_)), partial(std::move(place.partial)), file(std::move(place.file)), check(kind) {}

    std::string path;
    Partial partial;
    File file;
    RecordCheck check;
    DataSetInfo info;
    std::map<std::string, InstrumentId, std::less<>> ids;
    ChainHasher hasher;
    Frame frame;
    ByteBuffer out{2 * kBufferBytes};
    std::optional<Error> error;  ///< the first; nothing is written after it
    bool finished = false;

    Result<void> outcome() const {
        if (error) {
            return tl::make_unexpected(*error);
        }
        return {};
    }
    void note(const Result<void>& result) {
        if (!result && !error) {
            error = result.error();
        }
    }

    void append_record(Time time, const QuoteTick& quote) {
        append(frame, Envelope{info.records, time, kNoSeq, kNoSeq}, quote);
    }
    void append_record(Time label, const BarClosed& bar) {
        frame.note_leaf(info.records);
        encode_stored_bar(frame.bytes, label, bar);
        ++frame.events;
    }

    template <class Record>
    Result<void> add(Time time, const Record& record) {
        ALPHA_ASSERT(!finished, "a data set takes no records after finish()");
        if (error) {
            return outcome();
        }
        const std::size_t begin = frame.bytes.size();
        append_record(time, record);
        if (const char* const what = check.check(frame.bytes.data() + begin, info.symbols.size()); what != nullptr) {
            note(wrong(path,
                       std::string(what) + ": record " + std::to_string(info.records + 1) + " at " + to_iso(time)));
            return outcome();
        }
        if (info.records == 0) {
            info.first = time;
        }
        info.last = time;
        ++info.records;
        if (frame.events == kRecordsPerFrame) {
            end_frame();
        }
        return outcome();
    }

    void end_frame() {
        if (frame.events == 0) {
            return;
        }
        hasher.append(frame);
        const std::size_t begin = out.size();
        put(out, std::uint32_t{0});
        encode_frame(frame, out);
        store(out.data() + begin, static_cast<std::uint32_t>(out.size() - begin - sizeof(std::uint32_t)));
        frame.begin(info.records);
        if (out.size() >= kBufferBytes) {
            write_out();
        }
    }
    void write_out() {
        note(file.write(out.view()));
        info.file_bytes += out.size();
        out.clear();
    }

    void put_end() {
        const std::size_t begin = out.size();
        put(out, static_cast<std::uint8_t>(info.kind));
        put(out, static_cast<std::uint8_t>(info.date_only));
        put(out, std::uint16_t{0});
        put(out, static_cast<std::uint32_t>(info.symbols.size()));
        put(out, info.interval.ns);
        put(out, info.records);
        put(out, info.first.ns);
        put(out, info.last.ns);
        out.append(info.content_hash);
        put_symbols(out, info.symbols);
        put(out, static_cast<std::uint32_t>(out.size() - begin));
        put(out, crc32c(out.view().subspan(begin)));
        out.append(bytes_of(kEndMagic));
    }
};

const char* name_of(DataKind kind) {
    switch (kind) {
    case DataKind::quotes: return "quotes";
    case DataKind::bars: return "bars";
    case DataKind::trades: return "trades";
    }
    return "";
}

DataSetWriter::DataSetWriter(std::unique_ptr<Writing> writing) : writing_(std::move(writing)) {}
DataSetWriter::~DataSetWriter() = default;

Result<std::unique_ptr<DataSetWriter>> DataSetWriter::create(const std::string& path, DataKind kind, Duration interval,
                                                             bool date_only) {
    ALPHA_ASSERT(kind != DataKind::trades, "a data set holds quotes or bars");
    Result<Partial::WithFile> place = Partial::make_file(path, "choose another name or remove it");
    if (!place) {
        return tl::make_unexpected(place.error());
    }
    auto writing = std::make_unique<Writing>(path, std::move(*place), kind);
    writing->info.kind = kind;
    writing->info.interval = interval;
    writing->info.date_only = date_only;
    writing->frame.begin(0);
    writing->out.append(bytes_of(kMagic));
    put(writing->out, kVersion);
    put(writing->out, std::uint32_t{0});
    return std::unique_ptr<DataSetWriter>(new DataSetWriter(std::move(writing)));
}

InstrumentId DataSetWriter::symbol(std::string_view name) {
    Writing& w = *writing_;
    if (const auto known = w.ids.find(name); known != w.ids.end()) {
        return known->second;
    }
    if (name.empty() || name.size() > limits::kMaxNameBytes) {
        w.note(wrong(w.path, "has a symbol of " + std::to_string(name.size()) + " bytes; 1 to " +
                                 std::to_string(limits::kMaxNameBytes) + " are possible"));
        return {};
    }
    if (w.info.symbols.size() == limits::kMaxInstruments) {
        w.note(wrong(w.path, "has more than " + std::to_string(limits::kMaxInstruments) + " symbols"));
        return {};
    }
    const InstrumentId id{static_cast<std::uint32_t>(w.info.symbols.size())};
    w.info.symbols.emplace_back(name);
    w.ids.emplace(name, id);
    return id;
}

Result<void> DataSetWriter::add(Time time, const QuoteTick& quote) {
    ALPHA_ASSERT(writing_->info.kind == DataKind::quotes, "a data set holds quotes or bars");
    return writing_->add(time, quote);
}

Result<void> DataSetWriter::add(Time label, const BarClosed& bar) {
    ALPHA_ASSERT(writing_->info.kind == DataKind::bars, "a data set holds quotes or bars");
    return writing_->add(label, bar);
}

Result<DataSetInfo> DataSetWriter::finish() {
    Writing& w = *writing_;
    ALPHA_ASSERT(!w.finished, "a data set is finished once");
    if (!w.error) {
        w.end_frame();
        w.info.content_hash = content_hash(w.hasher.head(), w.info);
        w.put_end();
        w.write_out();
    }
    if (!w.error) {
        w.note(w.file.sync());
    }
    if (!w.error) {
        w.note(w.partial.publish());
    }
    w.finished = true;
    if (w.error) {
        return tl::make_unexpected(*w.error);
    }
    return w.info;
}

// ---- reading ------------------------------------------------------------------------------------------------------------

struct DataSetReader::Reading {
    Reading(std::string path_, File file_, DataSetInfo info_, std::uint64_t frames_end_)
        : path(std::move(path_)),
          file(std::move(file_)),
          info(std::move(info_)),
          frames_end(frames_end_),
          check(info.kind),
          buffer(kBufferBytes) {}

    std::string path;
    File file;
    DataSetInfo info;
    std::uint64_t frames_end;
    RecordCheck check;
    std::uint64_t position = kHeadBytes;  ///< in the file, of the next frame
    ByteBuffer buffer;                    ///< what was read of the file ahead of it
    std::size_t taken = 0;                ///< how much of the buffer lies before `position`
    Frame frame;
    Seq next_record = 0;
    std::optional<Error> error;

    /// The next `n` bytes of the frames' part of the file, without taking them.
    Result<Bytes> peek(std::size_t n) {
        const std::size_t ahead = buffer.size() - taken;
        if (ahead < n) {
            const std::uint64_t left = frames_end - position;
            if (left < n) {
                return wrong(path, "is damaged: a frame is cut short");
            }
            std::memmove(buffer.data(), buffer.data() + taken, ahead);
            const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(std::max(n, kBufferBytes), left));
            buffer.resize(wanted);
            taken = 0;
            if (Result<void> ok = file.read_at(position + ahead, buffer.data() + ahead, wanted - ahead); !ok) {
                return tl::make_unexpected(ok.error());
            }
        }
        return buffer.view().subspan(taken, n);
    }
    void take(std::size_t n) {
        taken += n;
        position += n;
    }

    Result<const Frame*> next() {
        if (position == frames_end) {
            if (next_record != info.records || (info.records != 0 && check.last() != info.last)) {
                return wrong(path, "is damaged: it holds " + std::to_string(next_record) + " records instead of " +
                                       std::to_string(info.records));
            }
            return nullptr;
        }
        const Result<Bytes> length_bytes = peek(sizeof(std::uint32_t));
        if (!length_bytes) {
            return tl::make_unexpected(length_bytes.error());
        }
        const std::size_t length = load<std::uint32_t>(length_bytes->data());
        if (length > kMaxStoredFrame) {
            return wrong(path, "is damaged: a frame claims " + std::to_string(length) + " bytes");
        }
        take(sizeof(std::uint32_t));
        const Result<Bytes> stored = peek(length);
        if (!stored) {
            return tl::make_unexpected(stored.error());
        }
        if (Result<void> ok = decode_frame(*stored, next_record, frame); !ok) {
            return wrong(path, "is damaged: " + ok.error().message);
        }
        take(length);
        if (frame.events == 0 || frame.events > kRecordsPerFrame) {
            return wrong(path, "is damaged: a frame holds " + std::to_string(frame.events) + " records");
        }
        if (const char* const what = check.check(frame, info.symbols.size()); what != nullptr) {
            return wrong(path,
                         std::string(what) + ", among the records from " + std::to_string(next_record + 1) + " on");
        }
        next_record = frame.next_seq();
        return &frame;
    }
};

namespace {

/// What the footer says; false when it says something no writer writes.
bool read_footer(Bytes footer, DataSetInfo& info) {
    WireReader in(footer);
    const auto kind = in.get<std::uint8_t>();
    const auto date_only = in.get<std::uint8_t>();
    const auto zero = in.get<std::uint16_t>();
    const auto symbols = in.get<std::uint32_t>();
    info.interval.ns = in.get<std::int64_t>();
    info.records = in.get<std::uint64_t>();
    info.first.ns = in.get<std::int64_t>();
    info.last.ns = in.get<std::int64_t>();
    const Bytes hash = in.take(info.content_hash.size());
    const bool kind_known =
        kind == static_cast<std::uint8_t>(DataKind::quotes) || kind == static_cast<std::uint8_t>(DataKind::bars);
    if (!in.ok() || !kind_known || date_only > 1 || zero != 0 || symbols > limits::kMaxInstruments) {
        return false;
    }
    info.kind = static_cast<DataKind>(kind);
    info.date_only = date_only == 1;
    std::copy(hash.begin(), hash.end(), info.content_hash.begin());
    for (std::uint32_t i = 0; i < symbols; ++i) {
        const Bytes name = in.take(in.get<std::uint32_t>());
        if (name.empty() || name.size() > limits::kMaxNameBytes) {
            return false;
        }
        info.symbols.emplace_back(name.begin(), name.end());
    }
    return in.ok() && in.left() == 0;
}

}  // namespace

DataSetReader::DataSetReader(std::unique_ptr<Reading> reading) : reading_(std::move(reading)) {}
DataSetReader::~DataSetReader() = default;

Result<std::unique_ptr<DataSetReader>> DataSetReader::open(const std::string& path) {
    Result<File> file = File::open(path);
    if (!file) {
        return tl::make_unexpected(file.error());
    }
    const Result<std::uint64_t> size = file->size();
    if (!size) {
        return tl::make_unexpected(size.error());
    }
    std::array<std::uint8_t, kHeadBytes> head{};
    if (*size < kHeadBytes) {
        return fail(ErrorKind::data, path + " is no data set.");
    }
    if (Result<void> ok = file->read_at(0, head.data(), head.size()); !ok) {
        return tl::make_unexpected(ok.error());
    }
    if (!std::equal(kMagic.begin(), kMagic.end(), head.begin())) {
        return fail(ErrorKind::data, path + " is no data set.");
    }
    const auto version = load<std::uint32_t>(head.data() + kMagic.size());
    if (version != kVersion || load<std::uint32_t>(head.data() + kMagic.size() + sizeof version) != 0) {
        return wrong(path, "has version " + std::to_string(version) + ", and this program reads version " +
                               std::to_string(kVersion) + "; import it again");
    }
    std::array<std::uint8_t, kEndBytes> end{};
    if (*size < kHeadBytes + kEndBytes) {
        return wrong(path, "is cut short");
    }
    if (Result<void> ok = file->read_at(*size - kEndBytes, end.data(), end.size()); !ok) {
        return tl::make_unexpected(ok.error());
    }
    if (!std::equal(kEndMagic.begin(), kEndMagic.end(), end.begin() + 8)) {
        return wrong(path, "is cut short");
    }
    const std::size_t footer_bytes = load<std::uint32_t>(end.data());
    if (footer_bytes > *size - kHeadBytes - kEndBytes) {
        return wrong(path, "has a damaged footer");
    }
    const std::uint64_t frames_end = *size - kEndBytes - footer_bytes;
    ByteBuffer footer(footer_bytes + sizeof(std::uint32_t));
    footer.resize(footer_bytes);
    if (Result<void> ok = file->read_at(frames_end, footer.data(), footer_bytes); !ok) {
        return tl::make_unexpected(ok.error());
    }
    put(footer, static_cast<std::uint32_t>(footer_bytes));
    DataSetInfo info;
    if (crc32c(footer.view()) != load<std::uint32_t>(end.data() + 4) ||
        !read_footer(footer.view().first(footer_bytes), info)) {
        return wrong(path, "has a damaged footer");
    }
    info.file_bytes = *size;
    return std::unique_ptr<DataSetReader>(
        new DataSetReader(std::make_unique<Reading>(path, std::move(*file), std::move(info), frames_end)));
}

const DataSetInfo& DataSetReader::info() const {
    return reading_->info;
}

Result<const Frame*> DataSetReader::next() {
    Reading& r = *reading_;
    if (r.error) {
        return tl::make_unexpected(*r.error);
    }
    Result<const Frame*> frame = r.next();
    if (!frame) {
        r.error = frame.error();
    }
    return frame;
}

std::uint64_t DataSetReader::position() const {
    return reading_->position;
}

Result<void> DataSetReader::seek(std::uint64_t position, std::uint64_t record) {
    Reading& r = *reading_;
    if (position < kHeadBytes || position > r.frames_end || record > r.info.records) {
        return wrong(r.path, "has no frame at byte " + std::to_string(position));
    }
    r.buffer.clear();
    r.taken = 0;
    r.position = position;
    r.next_record = record;
    r.check = RecordCheck(r.info.kind);
    return {};
}

Result<DataSetInfo> verify_data_set(const std::string& path) {
    Result<std::unique_ptr<DataSetReader>> reader = DataSetReader::open(path);
    if (!reader) {
        return tl::make_unexpected(reader.error());
    }
    ChainHasher hasher;
    for (;;) {
        const Result<const Frame*> frame = (*reader)->next();
        if (!frame) {
            return tl::make_unexpected(frame.error());
        }
        if (*frame == nullptr) {
            break;
        }
        hasher.append(**frame);
    }
    const DataSetInfo& info = (*reader)->info();
    if (content_hash(hasher.head(), info) != info.content_hash) {
        return wrong(path, "was altered: its content does not have the hash it records");
    }
    return info;
}

bool looks_like_data_set(const std::string& path) {
    // A pipe is not looked into: what was read from it would be missing afterwards.
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) {
        return false;
    }
    const Result<File> file = File::open(path);
    std::array<std::uint8_t, kMagic.size()> begin{};
    return file && file->read_at(0, begin.data(), begin.size()) &&
           std::equal(kMagic.begin(), kMagic.end(), begin.begin());
}

}  // namespace alpha
