// Gathers its share of the results of several senders' batches, and then stops the workers.
//   PULL binds tcp://127.0.0.1:5558
//   XPUB binds tcp://127.0.0.1:5559
// Its other halves are worker.cpp, which sends the results, and sender.cpp, which says how many.
#include <algorithm>
#include <bitset>
#include <cstdint>
#include <cstdio>
#include <map>
#include <unordered_map>
#include <utility>

#include "common.hpp"

/// What is to come here of one sender's batch, and what has come.
struct Batch {
    int count = -1;              // its tasks; 0: no end; -1: the sender has not said it yet
    int index = 0, sinkers = 1;  // here come the numbers n with n mod sinkers == index
    int results = 0, twice = 0, highest = 0;
    std::vector<int> early;  // what came before the sender's word, which has another connection
    std::unordered_map<int, std::bitset<1024>> seen;  // a bit for each result, in pages of 1024

    int expected() const {  // how many of the numbers from 1 to the last come here
        const int64_t last = count > 0 ? count : highest;
        return static_cast<int>((last + sinkers - index) / sinkers) - (index == 0 ? 1 : 0);
    }
    bool complete() const { return count > 0 && results == expected(); }
};

/// The books: no socket in here.
class Batches {
 public:
    Batches(int senders, bool quiet) : senders_(senders), quiet_(quiet) {}
    bool complete() const { return complete_ == senders_; }
    /// A result is one frame: sender, space, number. Returns how many results this makes more.
    int result(std::string_view bytes) {
        const size_t space = bytes.rfind(' ');
        const int n = space == bytes.npos ? 0 : number(bytes.substr(space + 1)).value_or(0);
        if (n < 1) return left_out("no result: " + text(bytes)), 0;
        auto found = batches_.find(bytes.substr(0, space));
        if (found == batches_.end() && announced_ < senders_)
            found = batches_.try_emplace(std::string(bytes.substr(0, space))).first;
        if (found == batches_.end() || (found->second.count == -1 && announced_ == senders_))
            return left_out("result " + text(bytes) + ": nobody asked for it"), 0;
        auto& [name, batch] = *found;
        if (batch.count != -1) return take(name, batch, n);
        batch.early.push_back(n);
        return 0;
    }
    /// An announcement is five frames: expect, sender, its tasks, which of the sinkers this is, of
    /// how many.
    int announcement(const std::vector<std::string>& frames) {
        const auto value = [&frames](size_t i) { return number(frames[i]).value_or(-1); };
        if (frames.size() != 5 || frames[0] != "expect" || value(2) < 0 || value(3) < 0 ||
            value(4) <= value(3) || announced_ == senders_ || batches_[frames[1]].count != -1)
            return left_out(std::to_string(frames.size()) + " frames: " + text(frames[0])), 0;
        Batch& batch = batches_[frames[1]];
        batch.count = value(2);
        batch.index = value(3);
        batch.sinkers = value(4);
        ++announced_;
        if (!quiet_) std::printf("expecting results of %s\n", text(frames[1]).c_str());
        if (batch.complete()) ++complete_;  // none of its results comes here
        int more = 0;
        for (const int n : std::exchange(batch.early, {})) more += take(frames[1], batch, n);
        return more;
    }
    std::string summary(std::int64_t results) const {
        std::string lines;
        for (const auto& [name, batch] : batches_) {
            if (!batch.early.empty())
                left_out("results of " + text(name) +
                         ", which has announced none: " + std::to_string(batch.early.size()));
            if (batch.count == -1) continue;
            const int expected = batch.expected();
            lines.append(text(name)).append(": ").append(std::to_string(batch.results));
            lines.append(" of ").append(std::to_string(expected)).append(" results, ");
            lines.append(std::to_string(expected - batch.results)).append(" missing, ");
            lines.append(std::to_string(batch.twice)).append(" twice\n");
        }
        if (!quiet_ && !lines.empty()) return lines.substr(0, lines.size() - 1);
        return lines + std::to_string(results) + (results == 1 ? " result" : " results");
    }

 private:
    int take(const std::string& name, Batch& batch, int n) {
        if ((batch.count > 0 && n > batch.count) || n % batch.sinkers != batch.index)
            return left_out("result " + text(name) + " " + std::to_string(n) +
                            ": nobody asked for it"),
                   0;
        auto bit = batch.seen[n / 1024][static_cast<size_t>(n % 1024)];
        if (!quiet_) std::printf("result %s %d%s\n", text(name).c_str(), n, bit ? " again" : "");
        batch.highest = std::max(batch.highest, n);
        if (bit) return ++batch.twice, 0;
        bit = true;
        ++batch.results;
        if (batch.complete()) ++complete_;
        return 1;
    }

    std::map<std::string, Batch, std::less<>> batches_;  // by the senders' names
    const int senders_;
    const bool quiet_;
    int announced_ = 0, complete_ = 0;
};

int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5558", control_endpoint = "tcp://127.0.0.1:5559";
    int senders = 2;
    bool quiet = false;
    parse(argc, argv, "gathers its share of the results of several senders, then stops the workers",
          {{"bind ENDPOINT", &endpoint, "PULL binds, for the workers and the senders"},
           {"control ENDPOINT", &control_endpoint, "XPUB binds, for the workers"},
           {"senders N", &senders, "how many batches to expect", 1},
           {"quiet", &quiet, quiet_help}});

    const Context context(check(zmq_ctx_new(), "zmq_ctx_new"));
    const Interrupt interrupt(context.get(), Interrupt::by_itself);
    const Socket puller(check(zmq_socket(context.get(), ZMQ_PULL), "zmq_socket", "PULL"));
    // At a high-water mark reading pauses, and over ipc libzmq drops what is still unread when the
    // other side ends meanwhile. So there is none.
    const int no_limit = 0;
    check(zmq_setsockopt(puller.get(), ZMQ_RCVHWM, &no_limit, sizeof no_limit), "zmq_setsockopt",
          "ZMQ_RCVHWM");
    check(zmq_bind(puller.get(), endpoint.c_str()), "zmq_bind", endpoint);
    std::printf("listening on %s\n", last_endpoint(puller.get()).c_str());

    const Socket control(check(zmq_socket(context.get(), ZMQ_XPUB), "zmq_socket", "XPUB"));
    check(
        zmq_setsockopt(control.get(), ZMQ_LINGER, &linger_at_interrupt, sizeof linger_at_interrupt),
        "zmq_setsockopt", "ZMQ_LINGER");
    // At a high-water mark it would drop signals.
    check(zmq_setsockopt(control.get(), ZMQ_SNDHWM, &no_limit, sizeof no_limit), "zmq_setsockopt",
          "ZMQ_SNDHWM");
    const int verbose = 1;  // show each subscription, also to what somebody has subscribed before
    check(zmq_setsockopt(control.get(), ZMQ_XPUB_VERBOSE, &verbose, sizeof verbose),
          "zmq_setsockopt", "ZMQ_XPUB_VERBOSE");
    check(zmq_bind(control.get(), control_endpoint.c_str()), "zmq_bind", control_endpoint);
    std::printf("listening on %s\n", last_endpoint(control.get()).c_str());

    Batches batches(senders, quiet);
    Summary results([&] { return batches.summary(results.count()); }, quiet);
    constexpr std::string_view greeting = "READY", stop = "STOP";
    Message frame;
    zmq_pollitem_t items[] = {{puller.get(), 0, ZMQ_POLLIN, 0}, {control.get(), 0, ZMQ_POLLIN, 0}};
    while (!batches.complete()) {
        check(zmq_poll(items, 2, -1), "zmq_poll");
        if (items[1].revents != 0) {
            check(zmq_msg_recv(frame.get(), control.get(), 0), "zmq_msg_recv");
            // \1 and a prefix: a subscription; \0: the end of one. Whoever is told READY will hear
            // STOP, too.
            const auto first = frame.bytes().substr(0, 1);
            if (first == "\1")
                check(zmq_send(control.get(), greeting.data(), greeting.size(), 0), "zmq_send");
            else if (first != std::string_view("\0", 1))
                left_out("no subscription: " + text(frame.bytes()));
            while (zmq_msg_more(frame.get()) == 1)
                check(zmq_msg_recv(frame.get(), control.get(), 0), "zmq_msg_recv");
        }
        // A few at a time, so that subscribers do not wait.
        for (int few = 100; few > 0 && !batches.complete(); --few) {
            if (!ready(zmq_msg_recv(frame.get(), puller.get(), ZMQ_DONTWAIT), "zmq_msg_recv"))
                break;
            results.start();
            if (zmq_msg_more(frame.get()) == 0) {
                results += batches.result(frame.bytes());
                continue;
            }
            std::vector<std::string> frames{std::string(frame.bytes())};
            while (zmq_msg_more(frame.get()) == 1) {
                check(zmq_msg_recv(frame.get(), puller.get(), 0), "zmq_msg_recv");
                frames.emplace_back(frame.bytes());
            }
            results += batches.announcement(frames);
        }
    }
    check(zmq_send(control.get(), stop.data(), stop.size(), 0), "zmq_send");
    check(zmq_setsockopt(control.get(), ZMQ_LINGER, &linger_for_ever, sizeof linger_for_ever),
          "zmq_setsockopt", "ZMQ_LINGER");  // every worker is to hear it
    return 0;
} catch (...) {
    return exit_status();
}
