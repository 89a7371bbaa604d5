using System.Text.RegularExpressions;
using Bitis.Gpu.Emulation.Instructions;

namespace Bitis.Gpu.Emulation.Text;

/// <summary>All instructions that kernels use, with the registers that they take.</summary>
internal static partial class InstructionTable
{
    private const string WordOrFloat = "rf";

    private const RegexOptions Options = RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture;

    private static readonly Dictionary<string, Func<Operands, Instruction>> Table = new()
    {
        ["ret"] = _ => new FlowInstruction(FlowKind.Return),
        ["bar.sync"] = o => Exact(o, 1, new FlowInstruction(FlowKind.Barrier)),
        ["bar.warp.sync"] = o => Exact(o, 1, new WarpBarrierInstruction()),
        ["mov.u32"] = o => o.Special(1) is { } special
            ? Exact(o, 2, new MapInstruction<Move>(o.Register(0, "r"), special, special, special))
            : Words<Move>(o, 1),
        ["mov.b32"] = o => o.IsVector(0)
            ? Exact(o, 2, new UnpackInstruction(o.Vector(0, "h", 2), o.Register(1, "r")))
            : Exact(o, 2, new MapInstruction<Move>(o.Register(0, WordOrFloat), o.Any(1), o.Any(1), o.Any(1))),
        ["mov.f32"] = o => Floats<Move>(o, 1),
        ["add.s32"] = o => Words<AddWords>(o, 2),
        ["sub.s32"] = o => Words<SubtractWords>(o, 2),
        ["mul.lo.s32"] = o => Words<MultiplyWords>(o, 2),
        ["mad.lo.s32"] = o => Words<MultiplyAddWords>(o, 3),
        ["and.b32"] = o => Words<AndWords>(o, 2),
        ["or.b32"] = o => Words<OrWords>(o, 2),
        ["xor.b32"] = o => Words<XorWords>(o, 2),
        ["min.s32"] = o => Words<MinIntegers>(o, 2),
        ["max.s32"] = o => Words<MaxIntegers>(o, 2),
        ["shl.b32"] = o => ScalarWords<ShiftLeft>(o, 2),
        ["shr.u32"] = o => ScalarWords<ShiftRight>(o, 2),
        ["shr.s32"] = o => ScalarWords<ShiftRightSigned>(o, 2),
        ["div.s32"] = o => ScalarWords<DivideIntegers>(o, 2),
        ["mul.rn.f16x2"] = o => ScalarWords<MultiplyHalves>(o, 2),
        ["fma.rn.f16x2"] = o => ScalarWords<FusedMultiplyAddHalves>(o, 3),
        ["ex2.approx.f16x2"] = o => Exact(o, 2, new ApproximateHalvesInstruction(
            o.Register(0, "r"), o.Register(1, "r"), (errors, x) => errors.Exp2OfHalf(x))),
        ["dp4a.u32.s32"] = o => ScalarWords<DotOfBytes>(o, 3),
        ["add.rn.f32"] = o => Floats<AddFloats>(o, 2),
        ["sub.rn.f32"] = o => Floats<SubtractFloats>(o, 2),
        ["mul.rn.f32"] = o => Floats<MultiplyFloats>(o, 2),
        ["fma.rn.f32"] = o => Floats<FusedMultiplyAdd>(o, 3),
        ["max.f32"] = o => Floats<MaxFloats>(o, 2),
        ["min.f32"] = o => Floats<MinFloats>(o, 2),
        ["abs.f32"] = o => Floats<AbsFloat>(o, 1),
        ["neg.f32"] = o => Floats<NegateFloat>(o, 1),
        ["cvt.rni.f32.f32"] = o => Floats<RoundFloat>(o, 1),
        ["cvt.rn.f32.s32"] = o => Exact(o, 2, new MapInstruction<IntegerToFloat>(
            o.Register(0, "f"), o.Word(1), o.Word(1), o.Word(1))),
        ["cvt.rzi.s32.f32"] = o => Exact(o, 2, new MapInstruction<FloatToInteger>(
            o.Register(0, "r"), o.Float(1), o.Float(1), o.Float(1))),
        ["cvt.rn.f16.f32"] = o => Exact(o, 2, new ScalarInstruction<FloatToHalf>(
            o.Register(0, "h"), o.Float(1), o.Float(1), o.Float(1))),
        ["cvt.rn.f16x2.f32"] = o => Exact(o, 3, new ScalarInstruction<FloatsToHalves>(
            o.Register(0, "r"), o.Float(1), o.Float(2), o.Float(2))),
        ["cvt.f32.f16"] = o => Exact(o, 2, new ScalarInstruction<HalfToFloat>(
            o.Register(0, "f"), o.Register(1, "h"), o.Register(1, "h"), o.Register(1, "h"))),
        ["ex2.approx.ftz.f32"] = o => Approximate(o, (errors, x) => errors.Exp2(x)),
        ["lg2.approx.ftz.f32"] = o => Approximate(o, (errors, x) => errors.Log2(x)),
        ["rcp.approx.ftz.f32"] = o => Approximate(o, (errors, x) => errors.Reciprocal(x)),
        ["rsqrt.approx.ftz.f32"] = o => Approximate(o, (errors, x) => errors.ReciprocalRoot(x)),
        ["selp.b32"] = o => Exact(o, 4, new SelectInstruction(
            o.Register(0, "r"), o.Word(1), o.Word(2), o.Register(3, "p"))),
        ["selp.f32"] = o => Exact(o, 4, new SelectInstruction(
            o.Register(0, "f"), o.Float(1), o.Float(2), o.Register(3, "p"))),
        ["selp.b64"] = o => Exact(o, 4, new SelectLongInstruction(
            o.Register(0, "d"), o.Register(1, "d"), o.Register(2, "d"), o.Register(3, "p"))),
        ["and.pred"] = o => Join(o, (a, b) => a & b),
        ["or.pred"] = o => Join(o, (a, b) => a | b),
        ["mul.wide.s32"] = o => Exact(o, 3, new MultiplyWideInstruction(o.Register(0, "d"), o.Word(1), o.Word(2))),
        ["add.s64"] = o => Exact(o, 3, o.IsNumber(2)
            ? new AddLongInstruction(o.Register(0, "d"), o.Register(1, "d"), -1, o.Integer(2))
            : new AddLongInstruction(o.Register(0, "d"), o.Register(1, "d"), o.Register(2, "d"), 0)),
        ["cvta.to.global.u64"] = o => Exact(o, 2, new MoveLongInstruction(o.Register(0, "d"), o.Register(1, "d"))),
        ["cp.async.commit_group"] = o => Exact(o, 0, new CommitInstruction()),
        ["cp.async.wait_group"] = o => Exact(o, 1, new WaitInstruction(o.Integer(0))),
        ["mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32"] = o => Exact(o, 4, new ByteMatrixInstruction(
            o.Vector(0, "r", 4), o.Vector(1, "r", 4), o.Vector(2, "r", 2), o.Vector(3, "r", 4))),
        ["mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32"] = o => Exact(o, 4, new HalfMatrixInstruction(
            o.Vector(0, "f", 4), o.Vector(1, "r", 4), o.Vector(2, "r", 2), o.Vector(3, "f", 4))),
    };

    /// <summary>Decodes an instruction.</summary>
    /// <param name="opcode">The opcode with its suffixes.</param>
    /// <param name="operands">The operands.</param>
    /// <param name="parameters">The numbers of the parameters, by name.</param>
    public static Instruction Decode(string opcode, Operands operands, IReadOnlyDictionary<string, int> parameters)
    {
        if (Table.TryGetValue(opcode, out Func<Operands, Instruction>? decode))
            return decode(operands);
        if (opcode is "ld.param.u64" or "ld.param.u32"
            && parameters.TryGetValue(operands.Bracketed(1), out int parameter))
        {
            bool isLong = opcode == "ld.param.u64";
            return new ParameterInstruction(operands.Register(0, isLong ? "d" : "r"), parameter, isLong);
        }

        if (Memory().Match(opcode) is { Success: true } memory)
            return DecodeMemory(memory, operands);
        if (Comparison().Match(opcode) is { Success: true } comparison)
        {
            return Exact(operands, 3, new CompareInstruction(
                operands.Register(0, "p"), operands.Word(1), operands.Word(2), comparison.Groups[1].Value));
        }

        if (Shuffle().Match(opcode) is { Success: true } shuffle)
            return DecodeShuffle(shuffle.Groups[1].Value, operands);
        if (Matrix().Match(opcode) is { Success: true } matrix)
        {
            (int address, int offset) = operands.Address(1, 'r');
            int count = matrix.Groups[1].Value[0] - '0';
            return Exact(operands, 2, new LoadMatrixInstruction(operands.Vector(0, "r", count), address, offset));
        }

        return Copy().IsMatch(opcode)
            ? DecodeCopy(opcode, operands)
            : throw new EmulationException(FindingKind.Text, $"the instruction '{opcode}' is not known");
    }

    private static T Exact<T>(Operands operands, int count, T instruction) => operands.Count == count
        ? instruction
        : throw new EmulationException(FindingKind.Text, $"{count} operands are needed, not {operands.Count}");

    private static MapInstruction<T> Words<T>(Operands o, int count)
        where T : struct, IVectorOperation => Exact(o, count + 1, new MapInstruction<T>(
            o.Register(0, "r"), o.Word(1), o.Word(Math.Min(2, count)), o.Word(Math.Min(3, count))));

    private static MapInstruction<T> Floats<T>(Operands o, int count)
        where T : struct, IVectorOperation => Exact(o, count + 1, new MapInstruction<T>(
            o.Register(0, "f"), o.Float(1), o.Float(Math.Min(2, count)), o.Float(Math.Min(3, count))));

    private static ScalarInstruction<T> ScalarWords<T>(Operands o, int count)
        where T : struct, IScalarOperation => Exact(o, count + 1, new ScalarInstruction<T>(
            o.Register(0, "r"), o.Word(1), o.Word(2), o.Word(Math.Min(3, count))));

    private static ApproximateInstruction Approximate(Operands o, Func<ApproximationErrors, float, float> function) =>
        Exact(o, 2, new ApproximateInstruction(o.Register(0, "f"), o.Float(1), function));

    private static JoinInstruction Join(Operands o, Func<uint, uint, uint> join) =>
        Exact(o, 3, new JoinInstruction(o.Register(0, "p"), o.Register(1, "p"), o.Register(2, "p"), join));

    private static Instruction DecodeMemory(Match match, Operands o)
    {
        bool isLoad = match.Groups["load"].Value == "ld", isConstant = match.Groups["constant"].Success;
        int count = match.Groups["count"].Success ? match.Groups["count"].Value[0] - '0' : 1;
        (string kinds, int bytes, bool isSigned) = match.Groups["type"].Value switch
        {
            "f32" => ("f", 4, false),
            "b16" => ("h", 2, false),
            "u16" => ("r", 2, false),
            "u8" => ("r", 1, false),
            "s8" => ("r", 1, true),
            _ => ("r", 4, false),
        };
        int[] rows = Exact(o, 2, o.Vector(isLoad ? 0 : 1, kinds, count));
        if (match.Groups["space"].Value == "shared" && !isConstant)
        {
            (int row, int behind) = o.Address(isLoad ? 1 : 0, 'r');
            return new SharedInstruction(rows, bytes, isSigned, isLoad, row, behind);
        }
        (int address, int offset) = o.Address(isLoad ? 1 : 0, 'd');
        return match.Groups["space"].Value == "global" && (isLoad || !isConstant)
            ? new GlobalInstruction(rows, bytes, isSigned, isLoad, isConstant, address, offset)
            : throw new EmulationException(FindingKind.Text, $"the instruction '{match.Value}' is not known");
    }

    private static ShuffleInstruction DecodeShuffle(string mode, Operands o) => Exact(o, 5, new ShuffleInstruction(
        mode switch
        {
            "idx" => ShuffleMode.Index,
            "up" => ShuffleMode.Up,
            "down" => ShuffleMode.Down,
            _ => ShuffleMode.Butterfly,
        },
        o.Register(0, WordOrFloat), o.Register(1, WordOrFloat), o.Word(2), o.Word(3), o.Word(4)));

    private static CopyInstruction DecodeCopy(string opcode, Operands o)
    {
        (int target, int targetOffset) = o.Address(0, 'r');
        (int source, int sourceOffset) = o.Address(1, 'd');
        int bytes = o.Integer(2);
        if (bytes != 16 && (bytes is not (4 or 8) || opcode.StartsWith("cp.async.cg", StringComparison.Ordinal)))
            throw new EmulationException(FindingKind.Text, $"{opcode} does not copy {bytes} bytes");
        return Exact(o, o.Count == 4 ? 4 : 3, new CopyInstruction(
            target, targetOffset, source, sourceOffset, bytes, o.Count == 4 ? o.Word(3) : -1));
    }

    [GeneratedRegex(
        @"^(?<load>ld|st)\.(?<space>global|shared)(?<constant>\.nc)?(\.v(?<count>[24]))?"
            + @"\.(?<type>f32|b32|b16|u16|u8|s8)$",
        Options)]
    private static partial Regex Memory();

    [GeneratedRegex(@"^setp\.(?<order>lt|le|gt|ge|eq|ne)\.s32$", Options)]
    private static partial Regex Comparison();

    [GeneratedRegex(@"^shfl\.sync\.(?<mode>idx|up|down|bfly)\.b32$", Options)]
    private static partial Regex Shuffle();

    [GeneratedRegex(@"^ldmatrix\.sync\.aligned\.m8n8\.x(?<count>[124])\.shared\.b16$", Options)]
    private static partial Regex Matrix();

    [GeneratedRegex(@"^cp\.async\.(ca|cg)\.shared\.global$", Options)]
    private static partial Regex Copy();
}
