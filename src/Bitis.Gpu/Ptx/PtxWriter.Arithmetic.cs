namespace Bitis.Gpu.Ptx;

/// <summary>Arithmetic and memory by names that are easier to read than opcodes.</summary>
internal sealed partial class PtxWriter
{
    /// <summary>A register of the processor, such as <c>tid.x</c>.</summary>
    public Register Special(string register) =>
        Emit(RegisterKind.Word, "mov.u32", Operand.Named($"%{register}"));

    /// <summary>A new integer register with a value.</summary>
    public Register Integer(int value) => Emit(RegisterKind.Word, "mov.b32", value);

    /// <summary>A new float register with a value.</summary>
    public Register Float(float value) => Emit(RegisterKind.Float, "mov.f32", value);

    /// <summary>The sum of two integers, addresses or floats.</summary>
    public Register Add(Register a, Operand b) => a.Kind switch
    {
        RegisterKind.Long => Emit(RegisterKind.Long, "add.s64", a, b),
        RegisterKind.Float => Emit(RegisterKind.Float, "add.rn.f32", a, b),
        _ => Emit(RegisterKind.Word, "add.s32", a, b),
    };

    /// <summary>The difference of two integers or floats.</summary>
    public Register Subtract(Register a, Operand b) => a.Kind == RegisterKind.Float
        ? Emit(RegisterKind.Float, "sub.rn.f32", a, b)
        : Emit(RegisterKind.Word, "sub.s32", a, b);

    /// <summary>The product of two integers (its low bits) or floats.</summary>
    public Register Multiply(Register a, Operand b) => a.Kind == RegisterKind.Float
        ? Emit(RegisterKind.Float, "mul.rn.f32", a, b)
        : Emit(RegisterKind.Word, "mul.lo.s32", a, b);

    /// <summary>a·b + c: exact for integers, rounded once for floats.</summary>
    public Register MultiplyAdd(Register a, Operand b, Operand c) => a.Kind == RegisterKind.Float
        ? Emit(RegisterKind.Float, "fma.rn.f32", a, b, c)
        : Emit(RegisterKind.Word, "mad.lo.s32", a, b, c);

    /// <summary>Quotient and remainder of an integer that is not negative.</summary>
    /// <param name="value">The integer.</param>
    /// <param name="divisor">A positive number, so that the assembler finds a multiplication for it.</param>
    public (Register Quotient, Register Remainder) Divide(Register value, int divisor)
    {
        Register quotient = Emit(RegisterKind.Word, "div.s32", value, divisor);
        return (quotient, Subtract(value, Multiply(quotient, divisor)));
    }

    /// <summary>Bits that both have.</summary>
    public Register And(Register a, Operand b) => Emit(RegisterKind.Word, "and.b32", a, b);

    /// <summary>Bits that one of both has.</summary>
    public Register Or(Register a, Operand b) => Emit(RegisterKind.Word, "or.b32", a, b);

    /// <summary>Bits that differ.</summary>
    public Register Xor(Register a, Operand b) => Emit(RegisterKind.Word, "xor.b32", a, b);

    /// <summary>Bits moved to the left.</summary>
    public Register ShiftLeft(Register a, int bits) => Emit(RegisterKind.Word, "shl.b32", a, bits);

    /// <summary>Bits moved to the right, with zeros behind them.</summary>
    public Register ShiftRight(Register a, int bits) => Emit(RegisterKind.Word, "shr.u32", a, bits);

    /// <summary>Whether a is less than b, as signed integers.</summary>
    public Register Less(Register a, Operand b) => Emit(RegisterKind.Predicate, "setp.lt.s32", a, b);

    /// <summary>Whether two integers are equal.</summary>
    public Register AreEqual(Register a, Operand b) => Emit(RegisterKind.Predicate, "setp.eq.s32", a, b);

    /// <summary>Whether both are true.</summary>
    public Register Both(Register a, Register b) => Emit(RegisterKind.Predicate, "and.pred", a, b);

    /// <summary>Whether one of both is true.</summary>
    public Register Either(Register a, Register b) => Emit(RegisterKind.Predicate, "or.pred", a, b);

    /// <summary>One of two integers.</summary>
    public Register Select(Register predicate, Operand ifTrue, Operand ifFalse) =>
        Emit(RegisterKind.Word, "selp.b32", ifTrue, ifFalse, predicate);

    /// <summary>The larger float; the number, if only one of them is one.</summary>
    public Register Max(Register a, Operand b) => Emit(RegisterKind.Float, "max.f32", a, b);

    /// <summary>The smaller float; the number, if only one of them is one.</summary>
    public Register Min(Register a, Operand b) => Emit(RegisterKind.Float, "min.f32", a, b);

    /// <summary>2ˣ, with an error of at most two units in the last place; no subnormal numbers.</summary>
    public Register Exp2(Register x) => Emit(RegisterKind.Float, "ex2.approx.ftz.f32", x);

    /// <summary>log₂ x, with an absolute error of up to 2⁻²² where x is near 1; no subnormal numbers.</summary>
    public Register Log2(Register x) => Emit(RegisterKind.Float, "lg2.approx.ftz.f32", x);

    /// <summary>−x.</summary>
    public Register Negative(Register x) => Emit(RegisterKind.Float, "neg.f32", x);

    /// <summary>1/x, with an error of at most one unit in the last place; no subnormal numbers.</summary>
    public Register Reciprocal(Register x) => Emit(RegisterKind.Float, "rcp.approx.ftz.f32", x);

    /// <summary>a/b, nearly always rounded once; with an error of two units in the last place if fast.</summary>
    public Register Quotient(Register a, Register b)
    {
        Register reciprocal = Reciprocal(b), quotient = Multiply(a, reciprocal);
        if (HasFastFunctions)
            return quotient;
        Register rest = MultiplyAdd(Negative(quotient), b, a);
        return MultiplyAdd(rest, reciprocal, quotient);
    }

    /// <summary>eˣ by the polynomial of the CPU (<c>ExpPolynomial</c>), or 2^(x·log₂e) if functions are fast.</summary>
    public Register Exp(Register x)
    {
        const float Log2E = 1.44269504f, MinusLn2High = -0.693359375f, MinusLn2Low = 2.12194440e-4f;
        const float Whole = 12_582_912; // 3·2²²: a sum with it has no fraction, and its low bits count from 0
        const int MantissaBits = 23;
        if (HasFastFunctions)
            return Exp2(Multiply(x, Log2E));
        x = Min(Max(x, -87f), 88f);
        Register shifted = Add(Multiply(x, Log2E), Whole), n = Subtract(shifted, Whole);
        Register r = MultiplyAdd(n, MinusLn2Low, MultiplyAdd(n, MinusLn2High, x));
        Register p = Polynomial(r, 0.00139336498f, 0.00836915523f, 0.0416664667f, 0.166665047f, 0.5f, 1f, 1f);
        // p is between 1/2 and 2, so 2ⁿ only changes its exponent.
        Register exponent = ShiftLeft(Emit(RegisterKind.Word, "mov.b32", shifted), MantissaBits);
        return Emit(RegisterKind.Float, "mov.b32", Add(Emit(RegisterKind.Word, "mov.b32", p), exponent));
    }

    /// <summary>x/(1 + e⁻ˣ).</summary>
    public Register Silu(Register x) => Quotient(x, Add(Exp(Negative(x)), 1f));

    /// <summary>1/(1 + e⁻ˣ).</summary>
    public Register Sigmoid(Register x) => Quotient(Float(1), Add(Exp(Negative(x)), 1f));

    /// <summary>x·Φ(x) = x/2·(1 + erf(x/√2)), by the polynomials of the CPU (<c>VectorMath.Gelu</c>).</summary>
    public Register Gelu(Register x)
    {
        const float Bound = 5.8f;
        if (HasFastFunctions)
            return FastGelu(x);
        Register limited = Min(Max(x, -Bound), Bound), t = Multiply(limited, limited);
        Register p = Polynomial(
            t, 4.22904165e-8f, 1.28116462e-5f, 3.69696645e-4f, 9.54911858e-3f, 7.09681585e-2f, 7.97884405e-1f);
        Register q = Polynomial(t, 1.15437888e-6f, 7.84723525e-5f, 1.97582180e-3f, 2.95724384e-2f, 2.55610615e-1f, 1f);
        Register erf = Min(Max(Quotient(Multiply(p, limited), q), -1f), 1f), half = Multiply(x, 0.5f);
        return MultiplyAdd(half, erf, half);
    }

    /// <summary>GELU with an absolute error of 2·10⁻⁷ of x.</summary>
    /// <remarks>
    /// With a = |x|/√2, t = 1/(1 + p·a) and a polynomial P: erf(a) = 1 − t·P(t)·e^(−a²). It is formula 7.1.26 of
    /// Abramowitz and Stegun.
    /// </remarks>
    private Register FastGelu(Register x)
    {
        const float RootOfHalf = 0.707106781f, P = 0.3275911f;
        Register a = Multiply(Emit(RegisterKind.Float, "abs.f32", x), RootOfHalf);
        Register t = Reciprocal(MultiplyAdd(a, P, Float(1)));
        Register series = Polynomial(t, 1.061405429f, -1.453152027f, 1.421413741f, -0.284496736f, 0.254829592f);
        Register power = Exp(Negative(Multiply(a, a))), rest = Multiply(Multiply(series, t), power);
        // Φ(x) is 1 − rest/2 for positive x and rest/2 for negative x: (x + |x|)/2 − |x|·rest/2 is x·Φ(x) for both.
        Register magnitude = Emit(RegisterKind.Float, "abs.f32", x);
        Register positive = Max(x, 0f);
        return MultiplyAdd(Multiply(magnitude, -0.5f), rest, positive);
    }

    /// <summary>A polynomial, from the coefficient of the highest power to the constant.</summary>
    public Register Polynomial(Register x, float highest, params ReadOnlySpan<float> others)
    {
        Register sum = Float(highest);
        foreach (float coefficient in others)
            sum = MultiplyAdd(sum, x, coefficient);
        return sum;
    }

    /// <summary>pointer + index·bytes.</summary>
    public Register Address(Register pointer, Register index, int bytes) =>
        Add(pointer, Emit(RegisterKind.Long, "mul.wide.s32", index, bytes));

    /// <summary>A float32 of memory that the kernel does not write.</summary>
    public Register LoadConstant(Register address, int offset = 0) =>
        Emit(RegisterKind.Float, "ld.global.nc.f32", Operand.At(address, offset));

    /// <summary>Neighbouring float32 of memory that the kernel does not write.</summary>
    /// <param name="address">Where they begin, a multiple of all their bytes.</param>
    /// <param name="offset">Bytes behind the address.</param>
    /// <param name="count">How many: 1, 2 or 4.</param>
    public Register[] LoadConstants(Register address, int offset, int count)
    {
        Register[] values = New(RegisterKind.Float, count);
        LoadVector(predicate: null, "ld.global.nc", values, Operand.At(address, offset), areHalves: false);
        return values;
    }

    /// <summary>Neighbouring values of 4 bytes in shared memory.</summary>
    /// <param name="kind">What they are.</param>
    /// <param name="address">Where they begin.</param>
    /// <param name="offset">Bytes behind the address.</param>
    /// <param name="count">How many.</param>
    /// <param name="isAligned">Whether the first one lies at a multiple of 16 bytes, so that four come at once.</param>
    public Register[] LoadShared(RegisterKind kind, Register address, int offset, int count, bool isAligned)
    {
        const int AtOnce = 4;
        string type = kind == RegisterKind.Float ? "f32" : "b32";
        Register[] values = New(kind, count);
        for (int i = 0, next; i < count; i = next)
        {
            Operand source = Operand.At(address, offset + (i * sizeof(int)));
            bool isVector = isAligned && count - i >= AtOnce;
            next = isVector ? i + AtOnce : i + 1;
            if (isVector)
                Do($"ld.shared.v4.{type}", Operand.Vector(values.AsSpan(i, AtOnce)), source);
            else
                Do($"ld.shared.{type}", values[i], source);
        }
        return values;
    }

    /// <summary>The sum over the threads of a warp, or of each group of a power of two of them.</summary>
    /// <param name="value">A float or an integer.</param>
    /// <param name="lanes">The size of a group.</param>
    public Register SumOverLanes(Register value, int lanes = WarpSize)
    {
        for (int distance = lanes / 2; distance > 0; distance /= 2)
            value = Add(value, Emit(value.Kind, "shfl.sync.bfly.b32", value, distance, 31, -1));
        return value;
    }

    /// <summary>An integer as a float, rounded once.</summary>
    public Register ToFloat(Register value) => Emit(RegisterKind.Float, "cvt.rn.f32.s32", value);

    /// <summary>The nearest integer of a float, half to even, within limits; the lower one for NaN.</summary>
    public Register Round(Register value, float low, float high) => Emit(
        RegisterKind.Word, "cvt.rzi.s32.f32", Min(Max(Emit(RegisterKind.Float, "cvt.rni.f32.f32", value), low), high));

    /// <summary>An integer within limits.</summary>
    public Register Clamp(Register value, int low, int high) =>
        Emit(RegisterKind.Word, "min.s32", Emit(RegisterKind.Word, "max.s32", value, low), high);

    /// <summary>Bits moved to the right, with copies of the sign behind them.</summary>
    public Register ShiftRightSigned(Register a, int bits) => Emit(RegisterKind.Word, "shr.s32", a, bits);

    /// <summary>The level of a value, as an integer register.</summary>
    /// <remarks>
    /// It computes as the CPU's <c>Quantize</c> does, with the same bits: the product with the inverse scale, rounded
    /// to the nearest integer, half to even; plus the zero point; limited. NaN has level 0, since <c>max</c> returns
    /// the number.
    /// </remarks>
    /// <param name="value">A float.</param>
    /// <param name="inverseScale">1/scale, a float.</param>
    /// <param name="zeroPoint">The zero point, as a float.</param>
    /// <param name="maxLevel">The largest level.</param>
    public Register Quantize(Register value, Register inverseScale, Register zeroPoint, int maxLevel)
    {
        Register rounded = Emit(RegisterKind.Float, "cvt.rni.f32.f32", Multiply(value, inverseScale));
        Register limited = Min(Max(Add(rounded, zeroPoint), 0f), (float)maxLevel);
        return Emit(RegisterKind.Word, "cvt.rzi.s32.f32", limited);
    }

    /// <summary>The level of a value less the zero point, as a float: with the bits of the CPU.</summary>
    /// <param name="value">A float; NaN has the lowest level.</param>
    /// <param name="inverseScale">1/scale, a float.</param>
    /// <param name="lowest">The lowest level less the zero point, a float.</param>
    /// <param name="highest">The highest level less the zero point, a float.</param>
    public Register Center(Register value, Register inverseScale, Register lowest, Register highest) => Min(
        Max(Emit(RegisterKind.Float, "cvt.rni.f32.f32", Multiply(value, inverseScale)), lowest), highest);
}
