// The wire made visible: the decoder of ZMTP, the reader of strace's logs, the recordings of the
// patterns and their drawings, and runs that are traced now.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <tuple>

#include "catch.hpp"
#include "process.hpp"
#include "recording.hpp"

using namespace std::string_literals;

namespace {

using Strings = std::vector<std::string>;

std::string in_brackets(const Strings& frames) {
    std::string text;
    for (const auto& frame : frames) text += "[" + frame + "]";
    return text;
}

/// An event of the decoder as one text.
std::string shown(const zmtp::Event& event) {
    return event.kind + " " + event.version + event.mechanism + event.name + " " + event.text +
           in_brackets(event.frames) + " " + std::to_string(event.size);
}

/// What a decoder makes of bytes that come in pieces.
Strings decoded(const Strings& pieces) {
    zmtp::Decoder decoder;
    Strings all;
    for (const auto& piece : pieces)
        for (const auto& event : decoder.feed(piece)) all.push_back(shown(event));
    if (decoder.unfinished() > 0)
        all.push_back("unfinished " + std::to_string(decoder.unfinished()));
    return all;
}

const std::string greeted = "greeting 3.1NULL  64";
const std::string hello = zmtp::frame("", zmtp::more) + zmtp::frame("Hello");
const std::string connected = zmtp::greeting() + zmtp::frame(zmtp::ready("REQ"), zmtp::command);

/// What follows the greeting, decoded.
Strings after_greeting(const std::string& bytes) {
    Strings all = decoded({zmtp::greeting() + bytes});
    REQUIRE(all.at(0) == greeted);
    all.erase(all.begin());
    return all;
}

}  // namespace

TEST_CASE("wire: greeting, READY and messages are decoded, wherever they are split", "[wire]") {
    const std::string bytes = connected + hello + zmtp::frame(std::string(300, 'x'));
    for (size_t size = 1; size <= bytes.size(); ++size) {
        Strings pieces;
        for (size_t at = 0; at < bytes.size(); at += size) pieces.push_back(bytes.substr(at, size));
        INFO("pieces of " << size << " bytes");
        REQUIRE(decoded(pieces) ==
                Strings{greeted, "command READY Socket-Type REQ 27", "message  [][Hello] 9",
                        "message  [" + std::string(40, 'x') + "... (300 bytes)] 309"});
    }
}

TEST_CASE("wire: commands are decoded", "[wire]") {
    const auto command = [](const std::string& body) {
        return after_greeting(zmtp::frame(body, zmtp::command));
    };
    CHECK(command("\x09SUBSCRIBEsub1") == Strings{"command SUBSCRIBE sub1 16"});
    CHECK(command("\6CANCEL") == Strings{"command CANCEL  9"});
    CHECK(command("\4PING\0\x0a..."s) == Strings{"command PING TTL 1000 ms 12"});
    CHECK(command("\4PONGabc") == Strings{"command PONG abc 10"});
    CHECK(command("\5ERROR\3why") == Strings{"command ERROR why 12"});
    CHECK(command("\5READY\1a\0\0\0\2\1b\1c\0\0\0\0"s) == Strings{"command READY a \\x01b 22"});
    CHECK(command("\5OTHER\xff") == Strings{"command OTHER \\xff 9"});
}

TEST_CASE("wire: encrypted commands and messages are shown by their sizes", "[wire]") {
    const auto command = [](const std::string& body) { return zmtp::frame(body, zmtp::command); };
    CHECK(decoded({zmtp::greeting("CURVE") + command("\5HELLO" + std::string(194, 'k')) +
                   command("\5READY" + std::string(40, 'k')) +
                   zmtp::frame("\7MESSAGE" + std::string(300, 'k')) + command("\5ERROR\3why")}) ==
          Strings{"greeting 3.1CURVE  64", "command HELLO encrypted, 200 bytes 202",
                  "command READY encrypted, 46 bytes 48",
                  "command MESSAGE encrypted, 308 bytes 317", "command ERROR why 12"});
}

TEST_CASE("wire: a large frame takes no memory", "[wire]") {
    zmtp::Decoder decoder;
    decoder.feed(zmtp::greeting() + "\2\x7f" + std::string(7, '\xff'));
    const std::string mebibyte(1 << 20, 'x');
    for (int i = 0; i < 100; ++i) CHECK(decoder.feed(mebibyte).empty());
    CHECK(decoder.unfinished() == 9 + 100 * mebibyte.size());
}

TEST_CASE("wire: whatever is not ZMTP 3 is shown as bytes", "[wire]") {
    CHECK(decoded({"GET / HTTP/1.1"}) == Strings{"bytes   1", "bytes   13"});
    CHECK(decoded({"\1\0\6\0Hello"s}) == Strings{"bytes   1", "bytes   8"});  // ZMTP 1
    const std::string signature = zmtp::greeting().substr(0, 10);
    CHECK(decoded({signature + "\1\5\0\0"s}) == Strings{"greeting 2.0  11", "bytes   3"});
    CHECK(decoded({signature + "\0\1\0"s}) == Strings{"greeting 1.0  11", "bytes   2"});
    CHECK(decoded({std::string(64, '\xff')}) == Strings{"bytes   64"});  // no mechanism
    CHECK(decoded({signature}) == Strings{"unfinished 10"});
    CHECK(after_greeting("\x08\0"s) == Strings{"bytes   1", "bytes   1"});  // a reserved flag
    CHECK(after_greeting("\5\0"s) == Strings{"bytes   1", "bytes   1"});    // a command with MORE
    CHECK(after_greeting("\2"s.append(9, '\xff')) == Strings{"bytes   9", "bytes   1"});
    CHECK(after_greeting(hello.substr(0, 4)) == Strings{"unfinished 4"});
    // A command without a name, which does not hide what follows.
    CHECK(after_greeting(zmtp::frame("\xff?", zmtp::command) + hello) ==
          Strings{"bytes   4", "message  [][Hello] 9"});
}

// Logs of strace
// -----------------------------------------------------------------------------------

namespace {

std::string hex(const std::string& bytes) {
    std::string text;
    for (const char c : bytes) {
        char digits[8];
        std::snprintf(digits, sizeof digits, "\\x%02x", static_cast<unsigned char>(c));
        text += digits;
    }
    return text;
}

/// A line of a log: a call at so many microseconds that took ten.
std::string call(int us, const std::string& name, const std::string& file,
                 const std::string& data) {
    char time[32];
    std::snprintf(time, sizeof time, "1795823891.%06d ", us);
    return time + name + "(" + file + ", \"" + hex(data) +
           "\", 99) = " + std::to_string(data.size()) + " <0.000010>\n";
}

const std::string server_end = "5<TCP:[127.0.0.1:5555->127.0.0.1:40000]>";
const std::string client_end = "6<TCP:[127.0.0.1:40000->127.0.0.1:5555]>";
const std::string accepted =
    "1795823891.000001 accept4(4<TCP:[127.0.0.1:5555]>, NULL, NULL, 0) = " + server_end +
    " <0.000010>\n";

Recording read(const std::string& server, const std::string& client) {
    return read_traces(
        {{{"server", "build/server"}, {server}}, {{"client", "build/client"}, {client}}}, {},
        {{"127.0.0.1:5555", "shown:5555"}});
}

}  // namespace

TEST_CASE("wire: a message has arrived when its last byte has", "[wire]") {
    const Recording recording =
        read(accepted + call(300, "recvfrom", server_end, connected + hello.substr(0, 5)) +
                 call(500, "recvfrom", server_end, hello.substr(5)) +
                 call(600, "write", "1<pipe:[1]>", "received ") +
                 call(700, "write", "1<pipe:[1]>", "Hello\nand") +
                 call(800, "write", "2<pipe:[1]>", "\x80\n"),
             call(100, "sendto", client_end, connected) + call(200, "sendto", client_end, hello) +
                 call(900, "sendto", client_end, hello));
    REQUIRE(recording.connections.size() == 1);
    CHECK(recording.connections[0].from == "client");
    CHECK(recording.connections[0].to == "server");
    CHECK(recording.connections[0].endpoint == "tcp://shown:5555");
    REQUIRE(recording.events.size() == 6);
    const Event& message = recording.events[2];
    CHECK(message.frames == Strings{"", "Hello"});
    CHECK(std::lround(message.ms * 1000) == 100);
    CHECK(std::lround(*message.arrived * 1000) == 410);
    CHECK(recording.events[3].text == "received Hello");
    CHECK(std::lround(recording.events[3].ms * 1000) == 600);
    CHECK(recording.events[4].text == "\\x80");
    CHECK(recording.events[4].stream == "err");
    CHECK_FALSE(recording.events[5].arrived);  // sent, but never received
    CHECK_FALSE(is_ready(recording, 0));       // the server has said nothing
    CHECK(draw_text(recording, false, false).find("never") != std::string::npos);
    CHECK(draw_svg(recording, false).find("Red arrow") != std::string::npos);
}

TEST_CASE("wire: ipc, a peer that is not traced, and logs that are no logs", "[wire]") {
    const std::string path = "/tmp/a socket";
    const Recording ipc =
        read("1795823891.000001 accept4(4<UNIX-STREAM:[7,\"" + hex(path) +
                 "\"]>, NULL, NULL, 0) = 5<UNIX-STREAM:[8->9,\"" + hex(path) + "\"]> <0.000010>\n",
             call(100, "sendto", "6<UNIX-STREAM:[9->8]>", connected));
    REQUIRE(ipc.connections.size() == 1);
    CHECK(ipc.connections[0].endpoint == "ipc:///tmp/a socket");
    CHECK(ipc.connections[0].to == "server");

    const Recording alone = read("", call(100, "recvfrom", client_end, connected));
    REQUIRE(alone.programs.size() == 3);
    CHECK(alone.programs[2].name == "not traced");
    CHECK(alone.events.at(0).sender == "not traced");
    CHECK(alone.events.at(0).receiver == "client");

    CHECK(read("() = <\n(\n) = \n1 sendto(\") = 5 <\n+++ exited with 0 +++\n", "x").events.empty());
}

// Recordings
// ---------------------------------------------------------------------------------------

namespace {

bool is_routing_id(const std::string& frame) {
    return frame.rfind("\\x00", 0) == 0 && frame.size() > 4;
}

/// Whether a line has all frames of a message. An encrypted message that is not empty may be any.
bool tells_of(const std::string& line, const Event& message) {
    bool any = message.name == "MESSAGE" && message.size > 35;
    for (const auto& frame : message.frames) {
        if (frame.empty() || is_routing_id(frame)) continue;
        if (line.find(frame) == line.npos) return false;
        any = true;
    }
    return any;
}

/// The lines about a message that had not arrived.
Strings early_lines(const Recording& recording) {
    static const std::regex receives("(.* )?(received|answers|request|reply|result|task) .*");
    const auto& events = recording.events;
    std::set<const Event*> told;
    Strings early;
    for (const Event& line : events) {
        if (line.kind != "line" || line.stream == "err" || line.who.find("sender") == 0 ||
            !std::regex_match(line.text, receives))
            continue;
        const auto message = std::find_if(events.begin(), events.end(), [&](const Event& event) {
            return event.receiver == line.who && event.arrived.value_or(1e9) <= line.ms &&
                   tells_of(line.text, event) && told.count(&event) == 0;
        });
        if (message == events.end())
            early.push_back(line.who + ": " + line.text);
        else
            told.insert(&*message);
    }
    return early;
}

/// What is the same in another run: commands and messages of each direction of each connection, in
/// their order, and the lines of each program that ends by itself. Made-up routing IDs are
/// numbered, connections and lines sorted. Ctrl-C may come before the last line of the others.
Strings conversation(const Recording& recording) {
    Strings all;
    std::map<std::pair<size_t, std::string>, std::string> ways;
    std::map<std::string, size_t> ids;
    std::set<std::string> interrupted;
    for (const auto& event : recording.events)
        if (event.kind == "signal") interrupted.insert(event.who);
    for (const auto& event : recording.events) {
        if (event.kind == "signal") break;
        if (interrupted.count(event.who) == 1) continue;
        if (!event.who.empty()) {
            all.push_back(event.who + " " + event.stream + ": " + event.text);
            continue;
        }
        std::string& way = ways[{event.connection, event.sender}];
        if (way.empty())
            way = recording.connections[event.connection].endpoint + " " + event.sender + " to " +
                  event.receiver;
        way += "; " + event.name + " " + event.text;
        for (const auto& frame : event.frames)
            way += is_routing_id(frame)
                       ? "[ID " + std::to_string(ids.emplace(frame, ids.size()).first->second) + "]"
                       : "[" + frame + "]";
    }
    for (const auto& [key, way] : ways) all.push_back(way);
    std::sort(all.begin(), all.end());
    return all;
}

const std::string docs = SOURCE_DIR "/docs/";

Recording recorded(const std::string& pattern) {
    return from_json(read_file(docs + "wire/" + pattern + ".json"));
}

/// All that are in docs/wire, by pattern.
std::map<std::string, Recording> recordings() {
    std::map<std::string, Recording> all;
    for (const auto& entry : std::filesystem::directory_iterator(docs + "wire")) {
        const std::string pattern = entry.path().stem().string();
        all[pattern] = recorded(pattern);
    }
    REQUIRE(!all.empty());
    return all;
}

}  // namespace

TEST_CASE("wire: every pattern that has a wire has a recording", "[wire]") {
    std::set<std::string> patterns, found;
    for (const auto& entry : std::filesystem::directory_iterator(SOURCE_DIR))
        if (read_file(SOURCE_DIR "/CMakeLists.txt")
                .find("pattern(" + entry.path().filename().string() + " ") != std::string::npos)
            patterns.insert(entry.path().filename().string());
    patterns.erase("mt-ready");  // inproc
    for (const auto& [pattern, recording] : recordings()) found.insert(pattern);
    CHECK(found == patterns);
}

TEST_CASE("wire: the drawings are what the recordings give", "[wire]") {
    for (const auto& [pattern, recording] : recordings()) {
        INFO(pattern);  // The second parentheses keep a failure from printing whole files.
        CHECK((to_json(recording) == read_file(docs + "wire/" + pattern + ".json")));
        CHECK((draw_svg(recording, false) == read_file(docs + pattern + "-wire.svg")));
    }
    CHECK((draw_svg(recorded("req-rep"), true) == read_file(docs + "wire-handshake.svg")));
}

TEST_CASE("wire: no text of a drawing overlaps another or is cut off", "[wire]") {
    static const std::regex box("<rect class='[a-z]+' x='([^']*)' y='([^']*)' width='([^']*)'"),
        size("<svg [^>]*width='([^']*)'");
    for (const auto& [pattern, recording] : recordings())
        for (const bool handshake : {false, true}) {
            INFO(pattern);
            const std::string svg = draw_svg(recording, handshake);
            std::smatch match;
            REQUIRE(std::regex_search(svg, match, size));
            const double times = std::stod(match[1]) - 75;  // they are in the last 75 pixels
            std::map<std::string, double> ends;             // of the boxes so far, by y
            for (std::sregex_iterator at(svg.begin(), svg.end(), box), end; at != end; ++at) {
                const double x = std::stod((*at)[1]), right = x + std::stod((*at)[3]);
                CHECK(x >= ends[(*at)[2]] - 0.11);
                CHECK(right <= times);
                ends[(*at)[2]] = right;
            }
        }
}

TEST_CASE("wire: in the recordings no line precedes its message", "[wire]") {
    for (const auto& [pattern, recording] : recordings()) {
        INFO(pattern);
        CHECK(early_lines(recording) == Strings{});
    }
    Recording late = recorded("req-rep");
    for (auto& event : late.events)
        if (event.kind == "message") *event.arrived += 1000;
    CHECK(early_lines(late).size() == 4);
}

TEST_CASE("wire: the recordings show what their captions say", "[wire]") {
    const auto messages = [](const std::string& pattern, const std::string& from,
                             const std::string& to) {
        Strings all;
        for (const auto& event : recorded(pattern).events)
            if (event.kind == "message" && event.sender == from && event.receiver == to)
                all.push_back(in_brackets(event.frames));
        return all;
    };
    CHECK(messages("req-rep", "client", "server") == Strings{"[][Hello]", "[][Hello]"});
    CHECK(messages("req-rep", "server", "client") == Strings{"[][World]", "[][World]"});
    CHECK(messages("pub-sub", "publisher", "sub1") == Strings{"[sub1: news 2]"});
    CHECK(messages("push-pull", "sender", "worker1") == Strings{"[1]", "[3]"});
    CHECK(messages("push-pull", "sender", "worker2") == Strings{"[2]", "[4]"});
    CHECK(messages("push-pull2", "sender-a", "worker1") == Strings{"[a 1]", "[a 2]"});
    CHECK(messages("push-pull2", "sender-b", "worker2") == Strings{"[b 2]"});
    CHECK(recorded("retry-req-rep").events.at(0).stream == "err");
    for (const auto& event : recorded("ex-req-rep").events)
        if (event.kind == "message")
            CHECK(event.frames.size() ==
                  (event.sender.find("client") == 0 || event.receiver.find("client") == 0 ? 2 : 3));
    // How many messages have arrived at a program before an event.
    const auto arrived = [](const Recording& recording, const std::string& receiver, auto is) {
        const auto& events = recording.events;
        const auto end = std::find_if(events.begin(), events.end(), is);
        return std::count_if(events.begin(), end, [&](const Event& event) {
            return event.kind == "message" && event.receiver == receiver &&
                   event.arrived.value_or(1e9) < end->ms;
        });
    };
    for (const auto& [pattern, server, answer] :
         {std::tuple{"sync-pub-sub", "publisher", "1"}, {"mt-req-rep", "server", "World"}})
        CHECK(arrived(recorded(pattern), server, [&, &answer = answer](const Event& event) {
                  return event.kind == "message" && event.frames.back() == answer;
              }) == 2);
    for (const std::string worker : {"worker1", "worker2"})  // a READY of each sinker
        CHECK(arrived(recorded("push-pull2"), worker, [&](const Event& event) {
                  return event.sender == worker && event.receiver.find("sender") == 0;
              }) == 2);
}

TEST_CASE("wire: a change of a recording is seen", "[wire]") {
    for (const auto& one : recordings()) {
        INFO(one.first);
        const Recording& recording = one.second;
        const auto is_drawn = [&](const Recording& changed) {
            return draw_svg(changed, false) != draw_svg(recording, false) &&
                   draw_text(changed, false, false) != draw_text(recording, false, false);
        };
        const auto is_seen = [&](const Recording& changed) {
            return is_drawn(changed) && conversation(changed) != conversation(recording);
        };
        const auto& events = recording.events;
        for (size_t i = 0; i < events.size(); ++i) {
            Recording changed = recording;
            if (!events[i].who.empty()) {
                changed.events[i].text += "x";
                CHECK(is_drawn(changed));
            }
            for (std::string& frame : changed.events[i].frames) {
                frame += "x";
                CHECK(is_seen(changed));
                frame.pop_back();
            }
            size_t next = i + 1;  // message of the same direction
            while (next < events.size() && (events[next].frames.empty() ||
                                            events[next].connection != events[i].connection ||
                                            events[next].sender != events[i].sender))
                ++next;
            if (events[i].frames.empty() || next == events.size()) continue;
            std::swap(changed.events[i].frames, changed.events[next].frames);
            CHECK(is_seen(changed) == (events[i].frames != events[next].frames));
        }
    }
}

// Runs that are traced now
// -------------------------------------------------------------------------

#if defined(__linux__)
namespace {

/// Whether strace is there and may trace.
bool can_trace() {
    Process probe("/bin/sh", {"-c", "strace -f -o /dev/null true"});
    const bool can = probe.wait() == 0;
    if (!can) std::puts("wire: skipped: strace is missing, or is not allowed to trace");
    return can;
}

/// ./run trace. LeakSanitizer does not work in a process that is traced, and ThreadSanitizer then
/// reports races inside libzmq that it does not report otherwise.
struct Trace : Process {
    explicit Trace(const std::string& arguments)
        : Process("/bin/sh", {"-c", "cd '" SOURCE_DIR "' && export BUILT='" BINARY_DIR
                                    "' ASAN_OPTIONS=detect_leaks=0"
                                    " TSAN_OPTIONS=report_bugs=0:atexit_sleep_ms=0;"
                                    " exec ./run trace " +
                                        arguments}) {}
};

Recording traced(const std::string& arguments) {
    const Folder folder;
    const std::string path = folder.path("recording.json");
    const size_t end = std::min(arguments.find("--"), arguments.size());  // behind a pattern
    Trace run(arguments.substr(0, end) + " --json " + path + " " + arguments.substr(end));
    const int status = run.wait();
    INFO(run.output() << run.errors());
    REQUIRE(status == 0);
    return from_json(read_file(path));
}

}  // namespace

// TRACES=20 traces every pattern 20 times. Otherwise not those whose next message comes by a clock,
// which does not wait for a slow machine.
TEST_CASE("wire: each pattern, traced now, is as it was recorded, also when its port is taken",
          "[wire]") {
    if (!can_trace()) return;
    // If it cannot bind, another program holds the port already.
    Process holder("/bin/sh", {"-c", BINARY_DIR "/req-rep/server; echo taken"});
    holder.wait_for("");
    const char* times = std::getenv("TRACES");
    const std::set<std::string> by_clock{"pub-sub", "pub-sub-envelope", "retry-req-rep"};
    for (const auto& [pattern, recording] : recordings()) {
        if (times == nullptr && by_clock.count(pattern) == 1) continue;
        for (int n = times == nullptr ? 1 : std::atoi(times); n > 0; --n) {
            INFO(pattern << ", " << n << " to go");
            const Recording now = traced(pattern);
            CHECK(early_lines(now) == Strings{});
            CHECK(conversation(now) == conversation(recording));
        }
    }
}

TEST_CASE("wire: any programs can be traced, and one that fails is named", "[wire]") {
    if (!can_trace()) return;
    const std::string server = "-- " BINARY_DIR "/req-rep/server --bind @/1 ",
                      client = "-- " BINARY_DIR "/req-rep/client --count 1 ";
    const Recording recording = traced(server + client + "--connect @/1");
    REQUIRE(recording.programs.size() == 2);
    CHECK(recording.programs[0].name == "server");
    CHECK(recording.programs[1].name == "client");
    CHECK(recording.connections.size() == 1);
    Trace failing(server + client + "--nonsense");
    CHECK(failing.wait() == 1);
    CHECK(failing.errors().find("client: exit status 2") != std::string::npos);
    Trace missing("-- /nowhere/program");
    CHECK(missing.wait() == 1);
    CHECK(missing.errors().find("/nowhere/program") != std::string::npos);
}

TEST_CASE("wire: a program starts after a line, and after the end of a program", "[wire]") {
    if (!can_trace()) return;
    for (const std::string cue : {"two", "a"}) {
        Strings lines;
        for (const auto& event : traced("--names 'a b' --after 'b " + cue +
                                        "' -- /bin/sh -c 'echo one; sleep 0.2; echo two' "
                                        "-- /bin/echo three")
                                     .events)
            lines.push_back(event.text);
        CHECK(lines == Strings{"one", "two", "three"});
    }
}

TEST_CASE("wire: mt-ready has no wire, and says so", "[wire]") {
    Trace run("mt-ready");
    CHECK(run.wait() == 1);
    CHECK(run.errors().find("inproc") != std::string::npos);
}
#endif
