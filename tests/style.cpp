// What the sources of the programs have in common, so that each reads like the others. Every rule
// is a function over a source text, and is shown a bad source as well, so that it is known to bite.
#include <algorithm>
#include <regex>
#include <set>
#include <sstream>

#include "catch.hpp"
#include "process.hpp"

namespace {

using Strings = std::vector<std::string>;

/// The source with its comments and the contents of its strings blanked out, line by line the same.
std::string code_of(const std::string& source) {
    std::string code;
    for (size_t i = 0; i < source.size(); ++i) {
        if (source.compare(i, 2, "//") == 0)
            while (i < source.size() && source[i] != '\n') ++i;
        if (i >= source.size()) break;
        code += source[i];
        if (source[i] == '\'' && i + 2 < source.size()) {  // a character such as '"'
            const size_t end = source.find('\'', i + (source[i + 1] == '\\' ? 3 : 2));
            if (end != std::string::npos && end - i <= 5) {
                i = end;
                code += '\'';
            }
        } else if (source[i] == '"') {
            for (++i; i < source.size() && source[i] != '"'; ++i)
                if (source[i] == '\\') ++i;
            code += '"';
        }
    }
    return code;
}

Strings matches(const std::string& text, const std::string& pattern, size_t group = 0) {
    const std::regex regex(pattern);
    Strings found;
    for (std::sregex_iterator at(text.begin(), text.end(), regex), end; at != end; ++at)
        found.push_back((*at)[group]);
    return found;
}

/// Calls of zmq_* whose result goes nowhere: a statement that begins with one, or a cast to void.
/// These have no result that says that they failed.
Strings dropped_results(const std::string& source) {
    static const std::set<std::string> cannot_fail = {"zmq_msg_more", "zmq_msg_data",
                                                      "zmq_msg_size"};
    Strings dropped;
    for (const auto& call : matches(
             code_of(source),
             "(^|[;{})]|\\belse|\\bdo|\\(void\\)|static_cast<void>\\()\\s*(zmq_[a-z_]+)\\s*\\(", 2))
        if (cannot_fail.count(call) == 0) dropped.push_back(call);
    return dropped;
}

/// Type, and whether it binds or connects, of each socket line in the head comment.
std::set<std::string> said_sockets(const std::string& source) {
    std::set<std::string> said;
    for (const auto& line : lines_of(source)) {
        if (line.rfind("//", 0) != 0) break;
        std::smatch match;
        static const std::regex socket("//   ([A-Z]+) (binds|connects)[, ].*");
        if (std::regex_match(line, match, socket))
            said.insert(match[1].str() + " " + match[2].str());
    }
    return said;
}

/// What is false or missing in the head comment, compared with the code.
Strings head_faults(const std::string& source) {
    Strings faults;
    const auto lines = lines_of(source);
    if (lines.empty() || !std::regex_match(lines[0], std::regex("// [A-Z].*\\.")))
        faults.push_back("the first line is no sentence");
    const auto said = said_sockets(source);
    if (said.empty()) faults.push_back("no line for a socket");

    const std::string code = code_of(source);
    std::set<std::string> said_types, used_types;
    for (const auto& socket : said) said_types.insert(socket.substr(0, socket.find(' ')));
    for (const auto& type :
         matches(code, "\\bZMQ_(PAIR|X?PUB|X?SUB|REQ|REP|DEALER|ROUTER|PULL|PUSH)\\b", 1))
        used_types.insert(type);
    // The reader of a monitor is no part of the pattern: it may be named or not.
    if (code.find("zmq_socket_monitor") != std::string::npos) {
        said_types.erase("PAIR");
        used_types.erase("PAIR");
    }
    if (said_types != used_types) faults.push_back("other socket types than the code has");

    for (const std::string how : {"bind", "connect"}) {
        const bool does = !matches(code, "zmq_" + how + "\\s*\\(").empty();
        const bool says = std::any_of(said.begin(), said.end(), [&how](const std::string& socket) {
            return socket.find(" " + how + "s") != std::string::npos;
        });
        const bool monitors = code.find("zmq_socket_monitor") != std::string::npos;
        if (says && !does) faults.push_back("no zmq_" + how);
        if (does && !says && !(monitors && how == "connect"))
            faults.push_back("nothing of zmq_" + how);
    }
    // What the help says of an option's socket, the head says, too.
    for (const auto& socket : matches(source, "\"([A-Z]+ (binds|connects))", 1))
        if (said.count(socket) == 0) faults.push_back("nothing of " + socket);
    // And its endpoints are the defaults.
    for (const auto& line : lines) {
        if (line.rfind("//", 0) != 0) break;
        for (const auto& endpoint : matches(line, "(tcp|inproc)://[a-z0-9.:]+"))
            if (source.find("\"" + endpoint) == std::string::npos)
                faults.push_back(endpoint + " is not in the code");
    }
    return faults;
}

Strings other_faults(const std::string& source) {
    Strings faults;
    const auto lines = lines_of(source);
    for (const auto& line : lines)
        if (line.size() > 100) faults.push_back("longer than 100 columns: " + line);
    if (lines.size() > 190) faults.push_back("longer than anybody reads at once");
    const std::string code = code_of(source);
    if (!matches(code, "\\bassert\\s*\\(").empty()) faults.push_back("assert");
    if (!matches(code, "\\b(sleep|usleep|nanosleep|sleep_for|sleep_until)\\s*\\(").empty())
        faults.push_back("a sleep");
    if (!matches(code, "zmq_send\\s*\\([^,]+,\\s*\"").empty())
        faults.push_back("a length counted by hand");
    if (matches(code, "\\bint main\\(").size() != 1) faults.push_back("not one main");
    if (code.find("} catch (...) {\n    return exit_status();\n}") == std::string::npos)
        faults.push_back("main has no function-try-block");
    return faults;
}

Strings programs() {
    std::istringstream stream(PROGRAMS);
    Strings all;
    for (std::string path; std::getline(stream, path, ':');) all.push_back(path);
    return all;
}

std::string source_of(const std::string& program) {
    return read_file(SOURCE_DIR "/" + program + ".cpp");
}

const std::string good = R"(// Does it.
//   REP binds tcp://127.0.0.1:5555
#include "common.hpp"
int main(int argc, char** argv) try {
    std::string endpoint = "tcp://127.0.0.1:5555";
    parse(argc, argv, "does it", {{"bind ENDPOINT", &endpoint, "REP binds"}});
    const Socket socket(check(zmq_socket(context.get(), ZMQ_REP), "zmq_socket", "REP"));
    check(zmq_bind(socket.get(), endpoint.c_str()), "zmq_bind", endpoint);
} catch (...) {
    return exit_status();
}
)";

std::string changed(const std::string& from, const std::string& to) {
    std::string source = good;
    return source.replace(source.find(from), from.size(), to);
}

}  // namespace

TEST_CASE("style: no result of a zmq call is dropped", "[style]") {
    for (const auto& program : programs()) {
        INFO(program);
        CHECK(dropped_results(source_of(program)) == Strings{});
    }
    for (const std::string source : {"errors", "interrupt", "options", "output", "threads"}) {
        INFO(source);
        CHECK(dropped_results(read_file(SOURCE_DIR "/common/" + source + ".cpp")) == Strings{});
    }
    CHECK(dropped_results(read_file(SOURCE_DIR "/req-rep/keys.hpp")) == Strings{});
    CHECK(dropped_results(good).empty());
    CHECK(dropped_results(changed("check(zmq_bind(socket.get(), endpoint.c_str())",
                                  "zmq_bind(socket.get(), endpoint.c_str(), (1")) ==
          Strings{"zmq_bind"});
    CHECK(dropped_results("if (x) zmq_send(s, p, n, 0);") == Strings{"zmq_send"});
    CHECK(dropped_results("for (;;) {\n    zmq_msg_recv(m, s, 0);\n}") == Strings{"zmq_msg_recv"});
    CHECK(dropped_results("(void)zmq_close(s);") == Strings{"zmq_close"});
    CHECK(dropped_results("int a; zmq_close(s);") == Strings{"zmq_close"});
    CHECK(dropped_results("// zmq_close(s);\nauto s = \"; zmq_close(s);\";").empty());
}

TEST_CASE("style: the head comment names each socket as the code has it", "[style]") {
    for (const auto& program : programs()) {
        INFO(program);
        CHECK(head_faults(source_of(program)) == Strings{});
    }
    CHECK(head_faults(good).empty());
    CHECK_FALSE(head_faults(changed("// Does it.", "// does it")).empty());
    CHECK_FALSE(head_faults(changed("//   REP binds", "//   REQ binds")).empty());
    CHECK_FALSE(head_faults(changed("//   REP binds", "//   REP connects")).empty());
    CHECK_FALSE(head_faults(changed(":5555\n#", ":5556\n#")).empty());
    CHECK_FALSE(head_faults(changed("//   REP binds tcp://127.0.0.1:5555\n", "")).empty());
    CHECK_FALSE(head_faults(changed("ZMQ_REP", "ZMQ_ROUTER")).empty());
    CHECK_FALSE(head_faults(changed("zmq_bind(", "zmq_connect(")).empty());
}

TEST_CASE("style: programs are short and have neither assert nor sleep nor counted lengths",
          "[style]") {
    for (const auto& program : programs()) {
        INFO(program);
        CHECK(other_faults(source_of(program)) == Strings{});
    }
    CHECK(other_faults(good).empty());
    CHECK_FALSE(other_faults(changed("check(zmq_bind", "assert (0); check(zmq_bind")).empty());
    CHECK_FALSE(other_faults(changed("check(zmq_bind", "sleep(1); check(zmq_bind")).empty());
    CHECK_FALSE(
        other_faults(changed("check(zmq_bind", "zmq_send(s, \"Hello\", 5, 0), check(")).empty());
    CHECK_FALSE(other_faults(changed("Does it.", "Does it." + std::string(100, 'x'))).empty());
    CHECK_FALSE(other_faults(changed("return exit_status();", "return 0;")).empty());
}

TEST_CASE("style: a pattern has one name in all places", "[style]") {
    const std::string readme = read_file(SOURCE_DIR "/README.md");
    const std::string script = read_file(SOURCE_DIR "/run");
    std::set<std::string> folders;
    for (const auto& program : programs()) folders.insert(program.substr(0, program.find('/')));
    CHECK(folders.size() >= 11);
    for (const auto& folder : folders) {
        INFO(folder);
        CHECK(read_file(SOURCE_DIR "/tests/" + folder + ".cpp").find("[" + folder + "]") !=
              std::string::npos);
        CHECK(readme.find("\n| [" + folder + "](" + folder + "/) |") != std::string::npos);
        CHECK(script.find("\n" + folder + " ") != std::string::npos);
        CHECK(read_file(SOURCE_DIR "/" + folder + "/README.md").rfind("# " + folder + "\n", 0) ==
              0);
    }
}
