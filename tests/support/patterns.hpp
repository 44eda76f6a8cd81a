// The programs of a pattern, running together.
#pragma once

#include <csignal>
#include <deque>
#include <map>

#include "programs.hpp"

/// How a program takes part in a pattern. In its arguments @NAME is an endpoint, %NAME a file.
struct Part {
    std::string path, arguments;
    std::string endless;  // further arguments, so that it does not end before Ctrl-C
    std::string shows;    // a part of each line that it prints for a message; "": it prints none
    std::string summary;  // its last line, a regular expression; "": it runs until Ctrl-C
    bool binds() const { return arguments.find("--connect") == std::string::npos; }
};

struct Pattern {
    std::string name;
    std::vector<Part> parts;  // those that bind come first
};

inline const std::vector<Pattern>& patterns() {
    static const std::string hello = "received Hello", world = "received World";
    static const Part server{"ex-req-rep/server", "--connect @servers", "", "answers Hello", ""};
    static const Part client{"ex-req-rep/client", "--connect @clients", "--count 0", world,
                             "10 replies"};
    static const Part retries{"retry-req-rep/client", "--connect @a --timeout 200", "--count 0",
                              world, "10 replies"};
    static const Part worker{
        "push-pull2/worker",
        "--connect @a --connect @b --sink @even --control @stop0 --sink @odd --control @stop1", "",
        "task ", "100 tasks"};
    static const std::vector<Pattern> all = {
        {"req-rep",
         {{"req-rep/server", "--bind @a", "", hello, ""},
          {"req-rep/client", "--connect @a", "--count 0", world, "10 replies"}}},
        {"retry-req-rep", {{"req-rep/server", "--bind @a", "", hello, ""}, retries}},
        {"curve-req-rep",
         {{"curve-req-rep/server", "--bind @a --key %server --allow %client.public", "", hello, ""},
          {"curve-req-rep/client", "--connect @a --key %client --server %server.public",
           "--count 0", world, "10 replies"}}},
        {"pub-sub",
         {{"pub-sub/publisher", "--bind @a --interval 1", "--interval 0", "published ", ""},
          {"pub-sub/subscriber", "--connect @a", "--count 0", "received sub1", "10 messages"}}},
        {"push-pull",
         {{"push-pull/sender", "--bind @tasks", "--count 0", "task ", "100 tasks"},
          {"push-pull/sinker", "--bind @results", "--count 0", "result ", "100 of 100 results"},
          {"push-pull/worker", "--connect @tasks --sink @results", "", "task ", ""}}},
        {"push-pull2",
         {{"push-pull2/sender", "--bind @a --workers 2", "--count 0", "task a ", "100 tasks"},
          {"push-pull2/sender", "--bind @b --workers 2 --name b", "--count 0", "task b ",
           "100 tasks"},
          {"push-pull2/sinker", "--bind @even --control @stop0 --count 100", "--count 0", "result ",
           "100 of 100 results"},
          {"push-pull2/sinker", "--bind @odd --control @stop1 --count 100", "--count 0", "result ",
           "100 of 100 results"},
          worker,
          worker}},
        {"ex-req-rep",
         {{"ex-req-rep/proxy", "--frontend @clients --backend @servers", "", "request [", ""},
          server,
          client}},
        {"ex-req-rep2",
         {{"ex-req-rep2/proxy", "--frontend @clients --backend @servers --capture @copies", "", "",
           ""},
          server,
          client}},
        {"interrupt", {{"interrupt/server", "--bind @a", "", hello, ""}, retries}},
        {"mt-req-rep",
         {{"mt-req-rep/server", "--bind @a", "", hello, ""},
          {"mt-req-rep/client", "--connect @a", "--count 0", world, "40 replies"}}},
        {"sync-pub-sub",
         {{"sync-pub-sub/publisher", "--bind @a --sync @b", "--count 0", "published ",
           "10 messages"},
          {"sync-pub-sub/subscriber", "--connect @a --sync @b", "", "received ", "10 updates"},
          {"sync-pub-sub/subscriber", "--connect @a --sync @b", "", "received ", "10 updates"}}},
        {"pub-sub-envelope",
         {{"pub-sub-envelope/publisher", "--bind @a --interval 1", "--interval 0", "published ",
           ""},
          {"pub-sub-envelope/subscriber", "--connect @a", "--count 0", "received [B]",
           "10 messages"}}},
    };
    return all;
}

/// Calls `test` for each pattern that can run here.
inline void each_pattern(const std::function<void(const Pattern&)>& test) {
    for (const auto& pattern : patterns())
        if (can_run(pattern.name)) {
            INFO(pattern.name);
            test(pattern);
        }
}

/// Runs the programs of a pattern, the binding ones first, on free ports.
class Running {
 public:
    explicit Running(const Pattern& one, bool endless = false) : pattern(one), endless_(endless) {}

    /// Starts a part, and waits for the endpoints that it binds.
    void start(const Part& part) {
        // One for all, because a client of curve-req-rep needs the key of a server that has run.
        static const Folder keys;
        Lines words = command;
        words.push_back(BINARY_DIR "/" + part.path);
        Lines names;
        for (auto& word : words_of(part.arguments + (endless_ ? " " + part.endless : ""))) {
            const std::string name = word.substr(1);
            if (word[0] == '%') word = keys.path(name);
            if (word[0] == '@') {
                names.push_back(name);
                if (ipc) endpoints[name] = folder_.endpoint(name);
                word = endpoints.count(name) == 1 ? endpoints.at(name) : any_port;
            }
            words.push_back(word);
        }
        Process& process = processes.emplace_back(words[0], Lines(words.begin() + 1, words.end()));
        for (const auto& name : names)
            if (part.binds() && !ipc) endpoints[name] = process.endpoint();
    }
    void start_those_that(bool bind) {
        for (const auto& part : pattern.parts)
            if (part.binds() == bind) start(part);
    }
    void start_all() {
        for (const auto& part : pattern.parts) start(part);
    }
    /// Waits until each part has printed a line for a message.
    void wait_for_traffic() {
        for (size_t i = 0; i < pattern.parts.size(); ++i)
            if (!pattern.parts[i].shows.empty()) processes[i].wait_for(pattern.parts[i].shows);
    }
    /// The lines of all programs that begin with `word`, without it, sorted.
    Lines lines_with(const std::string& word) {
        Lines all;
        for (auto& process : processes)
            for (const auto& line : process.lines_with(word)) all.push_back(line);
        return sorted(all);
    }
    /// Checks that the pattern does all that it should, and ends those that are endless.
    void check_end(std::chrono::seconds longest = deadline) {
        const auto stops = [this](size_t i) {
            return endless_ || pattern.parts[i].summary.empty();
        };
        for (size_t i = 0; i < processes.size(); ++i)  // they need those that are endless
            if (!stops(i)) processes[i].wait(longest);
        for (size_t i = 0; i < processes.size(); ++i)
            if (stops(i)) processes[i].signal(SIGINT);
        for (size_t i = 0; i < processes.size(); ++i) {
            const Part& part = pattern.parts[i];
            INFO(part.path);
            CHECK(processes[i].wait(longest) == (stops(i) ? 128 + SIGINT : 0));
            if (!stops(i))
                CHECK_THAT(processes[i].last_line(), Catch::Matchers::Matches(part.summary));
        }
    }

    const Pattern pattern;
    bool ipc = false;  // endpoints in a folder, so that no part waits for another
    Lines command;     // that runs the programs, such as valgrind
    std::map<std::string, std::string> endpoints;  // by their names
    std::deque<Process> processes;                 // in the order of the parts

 private:
    const Folder folder_;
    const bool endless_;
};
