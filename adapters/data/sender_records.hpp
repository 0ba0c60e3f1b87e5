#pragma once
/// Inside adapters/data: the records of one stream, whoever sends them.

#include "adapters/data/record_stream.hpp"
#include "adapters/data/stream.hpp"

namespace alpha {

/// Each sender's text is read by records of its own, which go on at the place up to which the last one's were taken: what
/// precedes it is compared, not taken again. A sender that leaves, that sends what is no record or goes back in time, or
/// whose text is another one up to that place, is followed by the next one; on standard input none follows, and the records end.
class SenderRecords final : public RecordStream {
public:
    using Make = std::function<std::unique_ptr<RecordStream>(std::unique_ptr<ByteSource> text)>;

    /// `number`: the watch's, of the stream. `gives_again`: DataSource's.
    SenderRecords(std::string name, std::size_t number, bool gives_again, std::unique_ptr<Senders> senders, Make make,
                  FeedWatch watch);

    Senders& senders() { return *senders_; }
    std::size_t number() const { return number_; }

    Result<std::span<FeedRecord>> next() override;
    bool is_waiting() const override { return is_waiting_; }
    const std::vector<std::string>& symbols() const override { return records_->symbols(); }
    std::uint64_t sender() const override { return sender_; }
    bool refuse_after(std::size_t n, const std::string& why) override;
    FeedProgress progress() const override { return records_->progress(); }
    Duration interval() const override { return records_->interval(); }
    const BarRow* bar_of(std::size_t i) const override { return records_->bar_of(i); }
    std::string place_of(std::size_t i) const override { return records_->place_of(i); }
    std::string place(std::uint64_t line) const override { return records_->place(line); }
    SourcePlace place_after(std::size_t n) const override { return has_given_ ? records_->place_after(n) : place_; }
    Result<void> resume(const SourcePlace& place) override;

private:
    void greet();
    /// Goes on at the place with the next sender's text; `why` is empty where the last one has left by itself.
    void begin_again(const SourcePlace& place, const std::string& why);
    Result<void> begin();
    void tell(const std::string& what, Notice kind) const;
    template <class Change>
    void change(Change change) const {
        if (watch_.change_status) {
            watch_.change_status(number_, change);
        }
    }

    std::string name_;
    std::size_t number_;
    bool gives_again_;
    std::unique_ptr<Senders> senders_;
    Make make_;
    FeedWatch watch_;
    std::unique_ptr<RecordStream> records_;  ///< of the present sender
    std::uint64_t sender_ = 0;
    SourcePlace place_;  ///< where those begin; in front of everything where its offset is 0
    bool has_given_ = false;
    bool was_connected_ = false;
    bool is_waiting_ = false;
};

}  // namespace alpha
