using System.Numerics.Tensors;
using Bitis.Execution.Planning;
using Bitis.Graphs;
using Bitis.Graphs.Operators;
using Bitis.Graphs.Operators.Elementwise;
using Bitis.Kernels.Gemm;
using Bitis.Tensors;

namespace Bitis.Execution.Gradients.Layers;

/// <summary>Self-attention, forward and backward.</summary>
/// <remarks>
/// Forward: P = softmax(q·kᵀ/√d), y = P·v. Backward: v̄ = Pᵀ·ȳ. With P̄ = ȳ·vᵀ and, row by row, S̄ = P·(P̄ − Σ
/// P·P̄)/√d: q̄ = S̄·k and k̄ = S̄ᵀ·q. P is computed again in the backward pass, for one head at a time. It is never
/// kept. Products read their left operand where it lies, by rows or by columns, and only k and v are transposed for
/// products with their transposes. Operands are small: the tokens of one image and the channels of one head.
/// </remarks>
internal sealed unsafe class AttentionGradient(Node node) : OperationGradient
{
    private const int Query = 0, Key = 1, Value = 2;

    private readonly Attention _layer = (Attention)node.Operator;
    private ArenaMatrix _x, _y, _yGradient;
    private GradientTarget _xGradient;

    /// <inheritdoc />
    public override string Kind => _layer.Kind;

    private int Tokens => _x.Rows;

    private int Channels => _layer.HeadWidth;

    /// <inheritdoc />
    public override void PlanForward(GradientPlanner planner)
    {
        _x = planner.Value(node.Inputs[0]);
        _y = planner.NewValue(node);
        planner.NeedScratch(Scratch.Length(Tokens, Channels));
    }

    /// <inheritdoc />
    public override void PlanBackward(GradientPlanner planner)
    {
        planner.Value(node.Inputs[0]);
        _yGradient = planner.Gradient(node);
        _xGradient = planner.RequiredTarget(node.Inputs[0]);
    }

    /// <inheritdoc />
    public override void Forward(MicroBatch microBatch)
    {
        var scratch = new Scratch(microBatch.Scratch, Tokens, Channels);
        for (int image = 0; image < microBatch.Images; image++)
        {
            float* x = microBatch.Pointer(_x, image), y = microBatch.Pointer(_y, image);
            for (int head = 0; head < _layer.Heads; head++)
            {
                Weigh(scratch, x, head);
                Multiply(scratch, scratch.Weights, isTransposed: false, x + Offset(Value, head), _x.Stride);
                Write(
                    scratch, new GradientTarget(_y.Slice(head * Channels, Channels), Accumulate: false),
                    y + (head * Channels));
            }
        }
    }

    /// <inheritdoc />
    public override void Backward(MicroBatch microBatch)
    {
        var scratch = new Scratch(microBatch.Scratch, Tokens, Channels);
        for (int image = 0; image < microBatch.Images; image++)
        {
            float* x = microBatch.Pointer(_x, image), gradient = microBatch.Pointer(_xGradient.Matrix, image);
            for (int head = 0; head < _layer.Heads; head++)
            {
                float* y = microBatch.Pointer(_yGradient, image) + (head * Channels);
                Weigh(scratch, x, head);
                Multiply(scratch, scratch.Weights, isTransposed: true, y, _yGradient.Stride);
                WriteGradient(scratch, gradient, Value, head);

                MultiplyByTokens(scratch, y, _yGradient.Stride, x + Offset(Value, head), scratch.Slopes); // P̄
                for (int row = 0; row < Tokens; row++)
                {
                    SoftMaxGradient(
                        new(scratch.Weights + (row * Tokens), Tokens), new(scratch.Slopes + (row * Tokens), Tokens));
                }

                Multiply(scratch, scratch.Slopes, isTransposed: true, x + Offset(Query, head), _x.Stride);
                WriteGradient(scratch, gradient, Key, head);
                Multiply(scratch, scratch.Slopes, isTransposed: false, x + Offset(Key, head), _x.Stride);
                WriteGradient(scratch, gradient, Query, head);
            }
        }
    }

    /// <summary>The first channel of a head's queries, keys or values in a token.</summary>
    private int Offset(int part, int head) => (part * _layer.Width) + (head * Channels);

    /// <summary>P, <c>[tokens, tokens]</c>, into <see cref="Scratch.Weights"/>.</summary>
    private void Weigh(Scratch scratch, float* x, int head)
    {
        MultiplyByTokens(scratch, x + Offset(Query, head), _x.Stride, x + Offset(Key, head), scratch.Weights);
        for (int row = 0; row < Tokens; row++)
        {
            var weights = new Span<float>(scratch.Weights + (row * Tokens), Tokens);
            TensorPrimitives.Multiply(weights, 1 / MathF.Sqrt(Channels), weights);
            Softmax.Compute(weights, weights);
        }
    }

    /// <summary>A row of P̄ becomes one of S̄.</summary>
    private void SoftMaxGradient(ReadOnlySpan<float> weights, Span<float> slopes)
    {
        TensorPrimitives.Subtract(slopes, TensorPrimitives.Dot(weights, slopes), slopes);
        TensorPrimitives.Multiply(slopes, weights, slopes);
        TensorPrimitives.Multiply(slopes, 1 / MathF.Sqrt(Channels), slopes);
    }

    /// <summary>
    /// <c>left·rightᵀ</c> of two matrices <c>[tokens, channels]</c>, of which the right one lies in the layer's input.
    /// </summary>
    private void MultiplyByTokens(Scratch scratch, float* left, nint leftStride, float* right, float* product)
    {
        MatrixSums.Transpose(right, _x.Stride, Tokens, Channels, scratch.Right, accumulate: false);
        new Span<float>(product, Tokens * Tokens).Clear();
        FloatGemm.AddProduct(
            left, leftStride, scratch.Right, Tokens, Channels, Tokens, Tokens, product, scratch.Panel);
    }

    /// <summary>
    /// <c>left·right</c> or <c>leftᵀ·right</c> of <c>[tokens, tokens]</c> and <c>[tokens, channels]</c>, into
    /// <see cref="Scratch.Product"/>.
    /// </summary>
    private void Multiply(Scratch scratch, float* left, bool isTransposed, float* right, nint rightStride)
    {
        new Span<float>(scratch.Product, Tokens * Channels).Clear();
        if (isTransposed)
        {
            FloatGemm.AddTransposed(
                left, Tokens, right, rightStride, Tokens, Tokens, Channels, scratch.Product, scratch.Panel);
        }
        else
        {
            FloatGemm.AddProduct(
                left, Tokens, right, rightStride, Tokens, Tokens, Channels, scratch.Product, scratch.Panel);
        }
    }

    private void WriteGradient(Scratch scratch, float* gradient, int part, int head)
    {
        int offset = Offset(part, head);
        Write(scratch, _xGradient with { Matrix = _xGradient.Matrix.Slice(offset, Channels) }, gradient + offset);
    }

    private void Write(Scratch scratch, GradientTarget target, float* rows) =>
        MatrixSums.Write(scratch.Product, Channels, target, rows, Tokens);

    /// <summary>The matrices of one head.</summary>
    private readonly struct Scratch(float* start, int tokens, int channels)
    {
        /// <summary>The right operand, <c>[channels, tokens]</c>.</summary>
        public float* Right { get; } = start;

        /// <summary>A product, <c>[tokens, channels]</c>.</summary>
        public float* Product => Right + (channels * tokens);

        /// <summary>P, <c>[tokens, tokens]</c>.</summary>
        public float* Weights => Product + (channels * tokens);

        /// <summary>P̄ and then S̄, <c>[tokens, tokens]</c>.</summary>
        public float* Slopes => Weights + (tokens * tokens);

        /// <summary>The scratch memory of <see cref="FloatGemm.AddTransposed"/>.</summary>
        public float* Panel => Slopes + (tokens * tokens);

        /// <summary>The elements of all of them.</summary>
        public static int Length(int tokens, int channels) =>
            (2 * channels * tokens) + (2 * tokens * tokens) + FloatGemm.TransposedScratch(Math.Max(tokens, channels));
    }
}
