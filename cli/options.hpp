#pragma once
/// How commands declare what may be typed. CLI11 does the work, in command.cpp alone: reading its headers takes a compiler longer
/// than reading a command.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace alpha {

/// An option that was declared, to say more about it.
class Option {
public:
    explicit Option(CLI::Option& option) : option_(&option) {}

    const Option& required() const;
    /// Anything else is refused.
    const Option& one_of(const std::vector<std::string>& values) const;
    /// Several values in one word; repeated for more.
    const Option& separated_by(char separator) const;
    /// Typed once for each value.
    const Option& repeatable() const;
    /// Help says what the variable holds now.
    const Option& shows_default() const;

private:
    CLI::Option* option_;
};

/// A command, or the program itself, to declare its options: `--name`, or `name` for what is told by its place. The variable holds
/// the default, and must live until the command line is parsed. Numbers are whole and within their bounds, or refused.
class Command {
public:
    explicit Command(CLI::App& app) : app_(&app) {}

    Option option(const std::string& name, std::string& into, const std::string& help) const;
    Option option(const std::string& name, std::vector<std::string>& into, const std::string& help) const;
    Option option(const std::string& name, std::uint32_t& into, const std::string& help, std::uint32_t min = 0,
                  std::uint32_t max = std::numeric_limits<std::uint32_t>::max()) const;
    Option option(const std::string& name, std::uint64_t& into, const std::string& help, std::uint64_t min = 0,
                  std::uint64_t max = std::numeric_limits<std::uint64_t>::max()) const;
    Option option(const std::string& name, std::optional<std::uint32_t>& into, const std::string& help,
                  std::uint32_t min = 0, std::uint32_t max = std::numeric_limits<std::uint32_t>::max()) const;
    Option option(const std::string& name, std::optional<std::uint64_t>& into, const std::string& help,
                  std::uint64_t min = 0, std::uint64_t max = std::numeric_limits<std::uint64_t>::max()) const;
    void flag(const std::string& name, bool& into, const std::string& help) const;
    /// Counts how often it is given.
    void flag(const std::string& name, int& into, const std::string& help) const;

private:
    friend class Commands;
    CLI::App* app_;
};

}  // namespace alpha
