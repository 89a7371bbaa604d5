using Bitis.Execution.LowBit;
using Bitis.Execution.Planning;
using Bitis.Kernels.Memory;
using Bitis.Tensors;

namespace Bitis.Tests;

public sealed class TensorTests
{
    [Fact]
    public unsafe void Memory_is_aligned_and_zeroed()
    {
        for (int n = 0; n < 100; n++)
        {
            var tensor = new FloatTensor([n, 3]);
            if (GuardedMemory.Mode != GuardMode.End)
                Assert.Equal(0u, (nuint)tensor.Pointer % FloatTensor.Alignment);
            Assert.Equal(3 * n, tensor.Span.Length);
            Assert.True(tensor.Span.TrimStart(0f).IsEmpty);
        }
    }

    [Fact]
    public void Reshape_shares_memory_and_checks_the_count()
    {
        var tensor = FloatTensor.From([2, 3], [1, 2, 3, 4, 5, 6]);
        FloatTensor view = tensor.Reshape([3, 2]);
        view.Span[0] = 9;
        Assert.Equal(9, tensor.Span[0]);
        Assert.Throws<ArgumentException>(() => tensor.Reshape([7]));
        Assert.Throws<ArgumentException>(() => FloatTensor.From([2], [1f]));
    }

    [Fact]
    public void Shapes_that_no_tensor_can_have_are_named()
    {
        Shape[] shapes =
            [[1_000_000, 3, 224, 224], [int.MaxValue, int.MaxValue, int.MaxValue], [int.MaxValue], [1 << 16, 1 << 16]];
        foreach (Shape shape in shapes)
        {
            Assert.Contains($"{shape}", Assert.Throws<BitisException>(() => new FloatTensor(shape)).Message);
            Assert.Contains($"{shape}", Assert.Throws<BitisException>(() => FloatTensor.Uninitialized(shape)).Message);
        }
        Assert.Equal(0, new FloatTensor([int.MaxValue, int.MaxValue, 0]).Length);
    }

    [Fact]
    public void Blocks_beyond_an_int_are_refused_with_their_size()
    {
        long length = 1L << 33;
        var layout = new ArenaLayout([], length);
        Assert.Contains($"{length * 4} bytes", Refused(() => new NativeBuffer<float>(length)));
        Assert.Contains($"{length} bytes", Refused(() => new Arena(layout)));
        Assert.Contains($"{length} bytes", Refused(() => ScratchSpace.Length(length / 2, length / 2)));

        static string Refused(Func<object?> create) => Assert.Throws<BitisException>(create).Message;
    }

    [Fact]
    public void Shape_compares_by_value_and_refuses_negative_sizes()
    {
        Shape shape = [197, 192];
        Assert.Equal(shape, [197, 192]);
        Assert.NotEqual(shape, [192, 197]);
        Assert.Equal("[197, 192]", shape.ToString());
        Assert.Equal(1, default(Shape).ElementCount);
        Assert.Throws<ArgumentOutOfRangeException>(() => Shape.Create([-1]));
    }
}
