// Peers that complete the handshake and then send what no program expects, come in great numbers,
// or announce too much. Then a whole pattern must do all its work, and neither memory nor
// descriptors may be gone. tests/programs.cpp has the peers that do not speak ZeroMQ.
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <random>

#include "handshake.hpp"
#include "patterns.hpp"

namespace {

bool soak() { return std::getenv("SOAK") != nullptr; }

/// Random bytes that are neither a subscription, nor a number, nor empty.
std::string random_bytes(size_t size) {
    static std::mt19937 random(20261123);
    std::string bytes(1, '\x80');
    while (bytes.size() < size) bytes += static_cast<char>(random());
    return bytes;
}

/// A type that a socket of this type talks to.
const std::map<std::string, std::string> fitting = {
    {"REP", "REQ"},   {"PUB", "SUB"},       {"XPUB", "SUB"},  {"PUSH", "PULL"},
    {"PULL", "PUSH"}, {"ROUTER", "DEALER"}, {"DEALER", "REP"}};

std::string folder_of(const Process& process) { return "/proc/" + std::to_string(process.id()); }

/// The most memory that a process has ever used, in MB.
int memory(const Process& process) {
    std::ifstream in(folder_of(process) + "/status");
    for (std::string word; in >> word;)
        if (word == "VmHWM:") {
            int kb = 0;
            in >> kb;
            return kb / 1024;
        }
    throw std::runtime_error("no VmHWM");
}

size_t descriptors(const Process& process) {
    return static_cast<size_t>(
        std::distance(std::filesystem::directory_iterator(folder_of(process) + "/fd"), {}));
}

/// Does `abuse` to each endpoint of each program that binds; then its pattern must do all its work.
/// A peer that completes the handshake is a worker to a sender, so it skips senders.
void each_pattern(const std::function<void(Process&, const std::string& endpoint,
                                           const std::string& type)>& abuse) {
    for (Pattern pattern : patterns()) {
        if (!can_run(pattern.name + "/")) continue;
        // A plain REP of libzmq may lose a reply after such a peer, so clients must ask again.
        for (auto& part : pattern.parts)
            if (part.summary.find("replies") != std::string::npos && pattern.name[0] != 'c') {
                part.path = "retry-req-rep/client";
                part.arguments += " --timeout 200";
                part.summary = "10 replies";
            }
        Running running(pattern);
        running.start_those_that(true);
        size_t n = 0;
        for (const auto& part : pattern.parts) {
            if (!part.binds()) continue;
            INFO(part.path);
            Process& process = running.processes[n++];
            if (part.path.find("/sender") != std::string::npos) continue;
            for (const auto& program : programs())
                if (program.path == part.path) {
                    std::istringstream words(part.arguments);
                    std::string word;
                    for (const auto& endpoint : program.endpoints) {
                        while (words >> word && word[0] != '@') continue;
                        abuse(process, running.endpoints.at(word.substr(1)),
                              fitting.at(endpoint.type));
                    }
                }
            CHECK(memory(process) < 120);
        }
        running.start_those_that(false);
        running.check_end();
    }
}

/// A peer that comes again after its connection was ended.
class Persistent {
 public:
    Persistent(const std::string& endpoint, const std::string& type)
        : endpoint_(endpoint), type_(type) {
        come();
    }
    void send(const std::string& bytes) {
        if (!peer_->send(bytes)) come();
    }

 private:
    void come() {
        peer_.emplace(endpoint_);
        zmtp::shake_hands(*peer_, type_);
    }
    const std::string endpoint_, type_;
    std::optional<RawPeer> peer_;
};

}  // namespace

TEST_CASE("hostile: messages that no program expects do not keep a pattern from its work",
          "[hostile]") {
    using zmtp::frame;
    each_pattern([](Process&, const std::string& endpoint, const std::string& type) {
        Persistent peer(endpoint, type);
        std::string many;
        for (int n = 0; n < 1000; ++n) many += frame("frame", zmtp::more);
        peer.send(frame(""));
        peer.send(frame(std::string("\0\xff\n\x1b[31m", 8)));
        peer.send(frame("no delimiter", zmtp::more) + frame("before this"));
        peer.send(frame("", zmtp::more) + frame("", zmtp::more) + frame("", zmtp::more) +
                  frame("x"));
        peer.send(many + frame("the last"));
        peer.send(frame("", zmtp::more) + frame(std::string(1 << 20, 'x')));
        peer.send(frame(std::string(1 << 20, '\0')));
        RawPeer leaves(endpoint);
        zmtp::shake_hands(leaves, type);
        leaves.send(frame("Hello").substr(0, 5));
    });
}

TEST_CASE("hostile: messages of random frames do not keep a pattern from its work", "[hostile]") {
    std::mt19937 random(20261126);
    const auto up_to = [&random](unsigned most) {
        return std::uniform_int_distribution<unsigned>(0, most)(random);
    };
    each_pattern([&](Process&, const std::string& endpoint, const std::string& type) {
        Persistent peer(endpoint, type);
        for (int n = soak() ? 20000 : 200; n > 0; --n) {
            std::string bytes;
            for (unsigned frames = up_to(5); frames > 0; --frames)
                bytes += zmtp::frame(up_to(3) == 0 ? "" : random_bytes(2 + up_to(60)), zmtp::more);
            peer.send(bytes + zmtp::frame(random_bytes(2 + up_to(60))));
        }
    });
}

TEST_CASE("hostile: a sinker ends while connections come and are ended", "[hostile]") {
    const auto& all = patterns();
    const auto push_pull = std::find_if(
        all.begin(), all.end(), [](const Pattern& pattern) { return pattern.name == "push-pull"; });
    for (int trials = soak() ? 500 : 5; trials > 0; --trials) {
        Running running(*push_pull);
        running.start_those_that(true);
        Persistent peer(running.endpoints.at("results"), "PUSH");
        for (int n = 0; n < 3000; ++n)
            peer.send(zmtp::frame(random_bytes(60), zmtp::more) + zmtp::frame("too soon"));
        running.start_those_that(false);
        running.check_end();
    }
}

TEST_CASE("hostile: many connections leave nothing behind", "[hostile]") {
    each_pattern([](Process& process, const std::string& endpoint, const std::string& type) {
        const size_t before = descriptors(process);
        for (int n = soak() ? 1000 : 50; n > 0; --n) {
            RawPeer peer(endpoint);
            if (n % 4 == 1) peer.send(zmtp::greeting().substr(0, 10));
            if (n % 4 == 2) peer.send(zmtp::greeting());
            if (n % 4 == 3) peer.send(zmtp::handshake(type));
        }
        // Its threads may still have been about to open theirs.
        const auto end = std::chrono::steady_clock::now() + deadline;
        while (descriptors(process) > before + 20) REQUIRE(std::chrono::steady_clock::now() < end);
    });
}

TEST_CASE("hostile: a frame of more than 64 MiB ends its connection, and no smaller one does",
          "[hostile]") {
    constexpr std::uint64_t most = 64 << 20;
    // The flags of a frame and its size in eight bytes.
    const std::string head = zmtp::frame(std::string(most + 1, 'x')).substr(0, 9);
    each_pattern([&](Process& process, const std::string& endpoint, const std::string& type) {
        RawPeer peer(endpoint);
        if (!zmtp::shake_hands(peer, type)) return;  // it wants CURVE
        peer.send(head);
        peer.wait_for_end();  // without one more byte of it
        CHECK(memory(process) < 60);
    });
    Process server("req-rep/server", {"--bind", any_port});
    Peer client(ZMQ_REQ);
    client.connect(server.endpoint());
    client.send({std::string(most, 'x')});
    CHECK(client.receive() == Frames{"World"});
    // The same limit holds for a program that connects.
    Peer publisher(ZMQ_XPUB);
    Process subscriber("pub-sub/subscriber",
                       {"--connect", publisher.bind(any_port), "--name", "", "--count", "0"});
    CHECK(publisher.receive() == Frames{"\1"});
    publisher.send({std::string(most, 'x')});
    subscriber.wait_for("received xxx");
    publisher.send({std::string(most + 1, 'x')});
    CHECK(publisher.receive() == Frames{std::string(1, '\0')});  // it is gone
}
