using Bitis.Gpu.Ptx;

namespace Bitis.Gpu.Kernels.Scans;

/// <summary>Δ from levels, with the CPU's bits: a quantized linear layer within the scan.</summary>
/// <remarks>
/// The threads of a direction quantize δ of a tile together, four levels in a word. Then each multiplies them with its
/// channel's weights, four at a time, and scales the sum as <see cref="Products.LinearEpilogue"/> does.
/// </remarks>
/// <param name="writer">The kernel.</param>
/// <param name="shape">The shape.</param>
/// <param name="thread">Which of the threads it is.</param>
internal sealed class LevelDelta(PtxWriter writer, ScanShape shape, ScanThread thread)
    : DeltaProjection(writer, shape)
{
    private const int LevelsOfWord = sizeof(int);

    private Register _levels;
    private Register[] _weights = [];
    private Register _weightScale;
    private Register _weightSum;

    /// <inheritdoc />
    protected override int ParameterCount => Shape.DeltaLevels!.HasFactors ? 8 : 7;

    private int Words => Shape.DeltaBytes / LevelsOfWord;

    /// <summary>The bytes of shared memory for the directions of a block.</summary>
    public static int SharedBytes(ScanShape shape) =>
        shape.DirectionsOfBlock * BlockScan.TokensOfTile * shape.DeltaBytes;

    /// <inheritdoc />
    public override void ReadChannel(Register row)
    {
        base.ReadChannel(row);
        int start = Writer.Reserve(SharedBytes(Shape));
        _levels = Writer.MultiplyAdd(
            thread.Half, BlockScan.TokensOfTile * Shape.DeltaBytes, Writer.Add(Writer.SharedBase(), start));
        Register weights = Writer.Address(Pointers[0], row, Shape.DeltaBytes);
        _weights = [.. Enumerable.Range(0, Words).Select(i => Writer.Emit(
            RegisterKind.Word, "ld.global.nc.b32", Operand.At(weights, i * LevelsOfWord)))];
        _weightScale = Writer.LoadConstant(Writer.Address(Pointers[2], row, sizeof(float)));
        _weightSum = Writer.Emit(
            RegisterKind.Word, "ld.global.nc.b32", Operand.At(Writer.Address(Pointers[3], row, sizeof(int))));
    }

    /// <inheritdoc />
    public override void Prepare(Register tile, Func<Register, Register> tokenOf, Register rows)
    {
        for (int begun = 0; begun < BlockScan.TokensOfTile * Words; begun += ScanKernels.ThreadsOfDirection)
        {
            (Register row, Register word) = Writer.Divide(Writer.Add(thread.Place, begun), Words);
            Register isInside = Writer.Both(Writer.Less(row, rows), Writer.Less(row, BlockScan.TokensOfTile));
            Register token = OfToken(Writer.Select(isInside, tokenOf(row), 0));
            Register inverse = Writer.LoadConstant(Writer.Address(Pointers[5], token, sizeof(float)));
            Register zero = Writer.Emit(RegisterKind.Float, "cvt.rn.f32.s32", ZeroPoint(token));
            Register source = Writer.MultiplyAdd(
                row, Shape.ParameterStride * sizeof(float), Writer.MultiplyAdd(word, 4 * sizeof(float), tile));
            Register packed = Writer.Integer(0);
            for (int i = 0; i < LevelsOfWord; i++)
            {
                Register value = Writer.Float(0);
                Register isThere = Writer.Both(
                    isInside, Writer.Less(Writer.MultiplyAdd(word, LevelsOfWord, Writer.Integer(i)), Shape.Rank));
                Writer.DoIf(isThere, "ld.shared.f32", value, Operand.At(source, i * sizeof(float)));
                if (Shape.DeltaLevels!.HasFactors)
                {
                    Register index = Writer.MultiplyAdd(word, LevelsOfWord, Writer.Integer(i));
                    value = Writer.Multiply(value, Factor(index, isThere));
                }
                Register level = Writer.Quantize(value, inverse, zero, Shape.DeltaLevels.MaxLevel);
                packed = Writer.Or(packed, Writer.ShiftLeft(level, 8 * i));
            }
            Register target = Writer.MultiplyAdd(row, Shape.DeltaBytes, Writer.MultiplyAdd(word, 4, _levels));
            Writer.DoIf(isInside, "st.shared.b32", Operand.At(target), packed);
        }
        Writer.Barrier();
    }

    /// <inheritdoc />
    public override Register Project(Register tile, int row, Register token)
    {
        Register sum = Writer.Integer(0);
        for (int i = 0; i < Words; i++)
        {
            Operand levels = Operand.At(_levels, (row * Shape.DeltaBytes) + (i * LevelsOfWord));
            sum = Writer.Emit(
                RegisterKind.Word, "dp4a.u32.s32", Writer.Emit(RegisterKind.Word, "ld.shared.b32", levels),
                _weights[i], sum);
        }
        token = OfToken(token);
        Register scale = Writer.LoadConstant(Writer.Address(Pointers[4], token, sizeof(float)));
        Register corrected = Writer.Subtract(sum, Writer.Multiply(ZeroPoint(token), _weightSum));
        Register value = Writer.Emit(RegisterKind.Float, "cvt.rn.f32.s32", corrected);
        return Writer.Add(Writer.Multiply(value, Writer.Multiply(scale, _weightScale)), Bias);
    }

    private Register OfToken(Register token) => Writer.MultiplyAdd(thread.Direction, Shape.Tokens, token);

    private Register Factor(Register index, Register isThere)
    {
        Register factor = Writer.Float(0), place = Writer.MultiplyAdd(thread.Direction, Shape.Rank, index);
        Operand source = Operand.At(Writer.Address(Pointers[7], place, sizeof(float)));
        Writer.DoIf(isThere, "ld.global.nc.f32", factor, source);
        return factor;
    }

    private Register ZeroPoint(Register token) => Writer.Emit(
        RegisterKind.Word, "ld.global.nc.b32", Operand.At(Writer.Address(Pointers[6], token, sizeof(int))));
}
