using System.Text;

namespace Bitis.Gpu.Ptx;

/// <summary>Writes one kernel as PTX text.</summary>
/// <remarks>
/// Registers are virtual and written as often as one likes. The driver's assembler allocates them and schedules. It may
/// fuse a product and a sum unless both say how they round. So all arithmetic here says <c>.rn</c>. Shared memory is
/// one block of dynamic size, since static memory ends at 48 KiB.
/// </remarks>
/// <param name="name">The name of the entry.</param>
/// <param name="threads">The threads of a block, a multiple of a warp.</param>
/// <param name="minBlocks">The blocks that should fit a multiprocessor: a limit for registers.</param>
internal sealed partial class PtxWriter(string name, int threads, int minBlocks = 1)
{
    /// <summary>Threads of a warp.</summary>
    public const int WarpSize = 32;

    /// <summary>The name of the shared memory in the text.</summary>
    private const string SharedName = "shared_memory";

    private readonly StringBuilder _body = new();
    private readonly List<ParameterKind> _parameters = [];
    private readonly int[] _counts = new int[RegisterKinds.All.Count];
    private int _labels;
    private int _sharedBytes;

    /// <summary>Whether functions are the processor's approximations. Else they are those of the CPU.</summary>
    /// <remarks>
    /// The CPU's need about fifteen instructions more. With them, few values become other levels than on the CPU.
    /// </remarks>
    public bool HasFastFunctions { get; init; }

    /// <summary>A new register.</summary>
    public Register New(RegisterKind kind) => new(kind, _counts[(int)kind]++);

    /// <summary>New registers.</summary>
    public Register[] New(RegisterKind kind, int count)
    {
        var registers = new Register[count];
        for (int i = 0; i < count; i++)
            registers[i] = New(kind);
        return registers;
    }

    /// <summary>Adds an instruction whose result is a new register.</summary>
    public Register Emit(RegisterKind kind, string opcode, params ReadOnlySpan<Operand> operands)
    {
        Register result = New(kind);
        Do(opcode, [result, .. operands]);
        return result;
    }

    /// <summary>Adds an instruction.</summary>
    public void Do(string opcode, params ReadOnlySpan<Operand> operands) =>
        Line(operands.IsEmpty ? $"{opcode};" : $"{opcode} {string.Join(", ", operands.ToArray())};");

    /// <summary>Adds an instruction for the threads of which a predicate is true.</summary>
    public void DoIf(Register predicate, string opcode, params ReadOnlySpan<Operand> operands) =>
        Line($"@{predicate} {opcode} {string.Join(", ", operands.ToArray())};");

    /// <summary>Adds a parameter and reads it.</summary>
    public Register Parameter(ParameterKind kind)
    {
        Operand place = Operand.Named($"[{ParameterName(_parameters.Count)}]");
        _parameters.Add(kind);
        return kind == ParameterKind.Integer
            ? Emit(RegisterKind.Word, "ld.param.u32", place)
            : Emit(RegisterKind.Long, "cvta.to.global.u64", Emit(RegisterKind.Long, "ld.param.u64", place));
    }

    /// <summary>Reserves shared memory, and returns the offset of its first byte.</summary>
    /// <param name="bytes">How many bytes.</param>
    public int Reserve(int bytes)
    {
        const int Alignment = 128;
        int offset = _sharedBytes;
        _sharedBytes += (bytes + Alignment - 1) / Alignment * Alignment;
        return offset;
    }

    /// <summary>The address of the shared memory.</summary>
    public Register SharedBase() => Emit(RegisterKind.Word, "mov.u32", Operand.Named(SharedName));

    /// <summary>A loop that all threads of a warp repeat equally often, at least 0 times.</summary>
    /// <param name="counter">The counter, with its first value; incremented at the end of each round.</param>
    /// <param name="end">The value at which the loop ends.</param>
    /// <param name="step">What the counter grows by.</param>
    /// <param name="body">Writes the body.</param>
    public void Loop(Register counter, Operand end, int step, Action body)
    {
        string start = NewLabel(), exit = NewLabel();
        Label(start);
        DoIf(Emit(RegisterKind.Predicate, "setp.ge.s32", counter, end), "bra.uni", Operand.Named(exit));
        body();
        Do("add.s32", counter, counter, step);
        Do("bra.uni", Operand.Named(start));
        Label(exit);
    }

    /// <summary>Instructions for warps all of whose threads find a predicate true.</summary>
    /// <param name="predicate">The same for all threads of a warp.</param>
    /// <param name="body">Writes the instructions.</param>
    public void IfUniform(Register predicate, Action body)
    {
        string exit = NewLabel();
        Line($"@!{predicate} bra.uni {exit};");
        body();
        Label(exit);
    }

    /// <summary>Waits until all threads of the block are here, and what they wrote is seen.</summary>
    public void Barrier() => Do("bar.sync", 0);

    /// <summary>The finished kernel.</summary>
    /// <param name="target">What it is for.</param>
    public PtxKernel Finish(PtxTarget target)
    {
        if (threads is < WarpSize or > 1024 || threads % WarpSize != 0)
            throw new InvalidOperationException($"A block cannot have {threads} threads.");
        var text = new StringBuilder();
        text.Append($".version {target.Version}\n.target {target.Name}\n.address_size 64\n\n");
        if (_sharedBytes > 0)
            text.Append($".extern .shared .align 128 .b8 {SharedName}[];\n\n");
        IEnumerable<string> parameters = _parameters.Select(
            (kind, i) => $"\t.param .{(kind == ParameterKind.Pointer ? "u64" : "u32")} {ParameterName(i)}");
        text.Append($".visible .entry {name}(\n{string.Join(",\n", parameters)}\n)\n");
        text.Append($".maxntid {threads}, 1, 1\n.minnctapersm {minBlocks}\n{{\n");
        foreach (RegisterKind kind in RegisterKinds.All)
        {
            if (_counts[(int)kind] > 0)
                text.Append($"\t.reg .{kind.DeclaredType()} %{kind.Letter()}<{_counts[(int)kind]}>;\n");
        }
        text.Append(_body).Append("\tret;\n}\n");
        return new PtxKernel(name, text.ToString(), threads, _sharedBytes, _parameters);
    }

    private static string ParameterName(int index) => $"parameter_{index}";

    private string NewLabel() => $"L{_labels++}";

    private void Label(string label) => _body.Append(label).Append(":\n");

    private void Line(string line) => _body.Append('\t').Append(line).Append('\n');
}
