using System.Globalization;
using System.Text.RegularExpressions;
using Bitis.Gpu.Emulation.Instructions;
using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Emulation.Text;

/// <summary>Decodes the text of a kernel, line by line; what it does not know, it refuses.</summary>
internal sealed partial class PtxParser
{
    private const RegexOptions Options = RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture;

    private readonly PtxKernel _kernel;
    private readonly PtxTarget _device;
    private readonly Registers _registers = new();
    private readonly Dictionary<string, int> _labels = [];
    private readonly Dictionary<string, int> _parameters = [];
    private readonly List<(int Number, string Text)> _lines = [];
    private string _name = "";
    private string _version = "";
    private int _threads;

    private PtxParser(PtxKernel kernel, PtxTarget device) => (_kernel, _device) = (kernel, device);

    /// <summary>Decodes a kernel.</summary>
    /// <param name="kernel">The text, and what launches think of it.</param>
    /// <param name="device">The processor that is to run it.</param>
    public static PtxProgram Parse(PtxKernel kernel, PtxTarget device)
    {
        var parser = new PtxParser(kernel, device);
        parser.ReadLines();
        return parser.Program();
    }

    private void ReadLines()
    {
        bool isBody = false;
        foreach ((int index, string raw) in _kernel.Text.Split('\n').Index())
        {
            string line = raw.Trim();
            if (line.Length == 0)
                continue;
            if (line is "{" or "}")
                isBody = line == "{";
            else if (!isBody)
                ReadHeader(line);
            else if (Declaration().Match(line) is { Success: true } registers)
                _registers.Declare(Part(registers, 1), Part(registers, 2)[0], Number(registers, 3));
            else if (line.EndsWith(':'))
                _labels.Add(line[..^1], _lines.Count);
            else
                _lines.Add((index + 1, line));
        }
    }

    private void ReadHeader(string line)
    {
        if (Version().Match(line) is { Success: true } version)
            _version = Part(version, 1);
        else if (Target().Match(line) is { Success: true } target)
            CheckTarget(Part(target, 1));
        else if (SharedMemory().Match(line) is { Success: true } shared)
            _registers.SharedName = Part(shared, 1);
        else if (Entry().Match(line) is { Success: true } entry)
            _name = Part(entry, 1);
        else if (Parameter().Match(line) is { Success: true } parameter)
            AddParameter(Part(parameter, 1), Part(parameter, 2));
        else if (Threads().Match(line) is { Success: true } threads)
            _threads = Number(threads, 1);
        else if (line is not (".address_size 64" or ")") && !MinBlocks().IsMatch(line))
            throw Unknown(line);
    }

    private void CheckTarget(string name)
    {
        PtxTarget target = PtxTarget.All.FirstOrDefault(known => known.Name == name)
            ?? throw new EmulationException(FindingKind.Text, $"there is no target {name}");
        bool runs = target == _device || (target != PtxTarget.Sm90a && _device.Capability >= target.Capability);
        if (!runs)
            throw new EmulationException(FindingKind.Launch, $"{_device.Name} does not run text for {name}");
        if (double.Parse(_version, CultureInfo.InvariantCulture)
            < double.Parse(target.Version, CultureInfo.InvariantCulture))
        {
            throw new EmulationException(FindingKind.Text, $"version {_version} does not know {name}");
        }
    }

    private void AddParameter(string type, string name)
    {
        int index = _parameters.Count;
        string expected = index >= _kernel.Parameters.Count ? "nothing"
            : _kernel.Parameters[index] == ParameterKind.Pointer ? "u64" : "u32";
        if (type != expected)
            throw new EmulationException(FindingKind.Launch, $"parameter {name} is {type}, launches give {expected}");
        _parameters.Add(name, index);
    }

    private PtxProgram Program()
    {
        if (_threads != _kernel.Threads)
        {
            throw new EmulationException(
                FindingKind.Launch, $"{_name} is for {_threads} threads, launches have {_kernel.Threads}");
        }

        if (_name != _kernel.Name || _parameters.Count != _kernel.Parameters.Count)
            throw new EmulationException(FindingKind.Launch, $"{_name} is not {_kernel.Name} as launches know it");
        Instruction[] code = [.. _lines.Select(line => Decode(line.Number, line.Text))];
        if (code is not [.., { Flow: FlowKind.Return, Predicate: < 0 }])
            throw new EmulationException(FindingKind.Text, $"{_name} does not end with ret");
        return new PtxProgram
        {
            Name = _name,
            Threads = _threads,
            SharedBytes = _kernel.SharedBytes,
            Code = code,
            Rows = _registers.Rows,
            Longs = _registers.Count('d'),
            Predicates = _registers.Count('p'),
            Constants = _registers.Constants,
            Specials = _registers.Specials,
        };
    }

    private Instruction Decode(int number, string line)
    {
        Match match = Statement().Match(line);
        if (!match.Success)
            throw Unknown(line);
        string opcode = match.Groups["opcode"].Value, rest = match.Groups["rest"].Value;
        Instruction instruction = opcode == "bra.uni"
            ? new FlowInstruction(FlowKind.Branch)
            {
                Target = _labels.TryGetValue(rest, out int target) ? target : throw Unknown(line),
            }
            : InstructionTable.Decode(
                opcode, new Operands(_registers, line, [.. Operand().Matches(rest).Select(m => m.Value)]), _parameters);
        (instruction.Line, instruction.Text) = (number, line);
        instruction.Opcode = opcode;
        if (match.Groups["predicate"] is { Success: true } predicate)
        {
            instruction.Predicate = _registers.Find(predicate.Value, 'p') ?? throw Unknown(line);
            instruction.IsNegated = match.Groups["not"].Length > 0;
        }
        return instruction;
    }

    private static string Part(Match match, int group) => match.Groups[group].Value;

    private static int Number(Match match, int group) => int.Parse(Part(match, group), CultureInfo.InvariantCulture);

    private static EmulationException Unknown(string line) => new(FindingKind.Text, $"'{line}' is not understood");

    [GeneratedRegex(@"^\.version (?<version>\d+\.\d+)$", Options)]
    private static partial Regex Version();

    [GeneratedRegex(@"^\.target (?<name>\w+)$", Options)]
    private static partial Regex Target();

    [GeneratedRegex(@"^\.extern \.shared \.align 128 \.b8 (?<name>\w+)\[\];$", Options)]
    private static partial Regex SharedMemory();

    [GeneratedRegex(@"^\.visible \.entry (?<name>\w+)\($", Options)]
    private static partial Regex Entry();

    [GeneratedRegex(@"^\.param \.(?<type>\w+) (?<name>\w+),?$", Options)]
    private static partial Regex Parameter();

    [GeneratedRegex(@"^\.maxntid (?<threads>\d+), 1, 1$", Options)]
    private static partial Regex Threads();

    [GeneratedRegex(@"^\.minnctapersm \d+$", Options)]
    private static partial Regex MinBlocks();

    [GeneratedRegex(@"^\.reg \.(?<type>\w+) %(?<kind>\w)<(?<count>\d+)>;$", Options)]
    private static partial Regex Declaration();

    [GeneratedRegex(
        @"^(@(?<not>!?)(?<predicate>%p\d+) )?(?<opcode>[\w.]+)( (?<rest>.*))?;$",
        Options)]
    private static partial Regex Statement();

    [GeneratedRegex(@"\{[^}]*\}|\[[^\]]*\]|[^,\s]+", Options)]
    private static partial Regex Operand();
}
